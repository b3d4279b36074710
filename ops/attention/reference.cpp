// Attention and its gradient by their definitions, in double.
#include "ops/attention/geometry.hpp"
#include "ops/attention/kernels.hpp"

namespace isorbit::ops::flash {

namespace {

double dot(const double* a, const double* b, std::int64_t n) {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += a[i] * b[i];
  return total;
}

/// Offsets of a query's rows, and of the row of a key it is compared with.
struct Query {
  const Geometry& g;
  std::int64_t sequence, head, query;

  [[nodiscard]] std::int64_t q(std::int64_t columns) const {
    return ((sequence * g.queries + query) * g.heads + head) * columns;
  }
  [[nodiscard]] std::int64_t k(std::int64_t key, std::int64_t columns) const {
    return ((sequence * g.keys + key) * g.key_heads + head / g.group()) * columns;
  }
  [[nodiscard]] std::int64_t lse() const { return (sequence * g.heads + head) * g.queries + query; }
  [[nodiscard]] std::int64_t seen() const { return g.causal ? query + 1 : g.keys; }
};

template <class Body>
void each_query(const Geometry& g, const Body& body) {
  for (std::int64_t b = 0; b < g.batch; ++b)
    for (std::int64_t h = 0; h < g.heads; ++h)
      for (std::int64_t r = 0; r < g.queries; ++r) body(Query{g, b, h, r});
}

}  // namespace

void reference_forward(const core::Ref& x) {
  const Geometry g = geometry(x.in_shape(0), x.in_shape(1), x.in_shape(2), x);
  const double *q = x.in(0).data(), *k = x.in(1).data(), *v = x.in(2).data();
  each_query(g, [&](const Query& at) {
    std::vector<double> p;
    for (std::int64_t j = 0; j < at.seen(); ++j)
      p.push_back(g.scale * dot(q + at.q(g.d), k + at.k(j, g.d), g.d));
    const double most = *std::max_element(p.begin(), p.end());
    double total = 0;
    for (const double s : p) total += std::exp(s - most);
    const double lse = most + std::log(total);
    for (std::int64_t j = 0; j < at.seen(); ++j) {
      for (std::int64_t i = 0; i < g.e; ++i) {
        x.out(0)[static_cast<std::size_t>(at.q(g.e) + i)] +=
            std::exp(p[static_cast<std::size_t>(j)] - lse) * v[at.k(j, g.e) + i];
      }
    }
    x.out(1)[static_cast<std::size_t>(at.lse())] = lse;
  });
}

void reference_backward(const core::Ref& x) {
  const Geometry g = geometry(x.in_shape(0), x.in_shape(1), x.in_shape(2), x);
  const double *q = x.in(0).data(), *k = x.in(1).data(), *v = x.in(2).data(), *o = x.in(3).data(),
               *lse = x.in(4).data(), *dout = x.in(5).data();
  double *dq = x.out(0).data(), *dk = x.out(1).data(), *dv = x.out(2).data();
  each_query(g, [&](const Query& at) {
    const double* d_row = dout + at.q(g.e);
    const double delta =
        dot(d_row, o + at.q(g.e), g.e) - (x.has(6) ? x.in(6)[static_cast<std::size_t>(at.lse())] : 0);
    for (std::int64_t j = 0; j < at.seen(); ++j) {
      const std::int64_t key = at.k(j, g.d), value = at.k(j, g.e);
      const double p = std::exp(g.scale * dot(q + at.q(g.d), k + key, g.d) - lse[at.lse()]);
      const double ds = g.scale * p * (dot(d_row, v + value, g.e) - delta);
      for (std::int64_t i = 0; i < g.e; ++i) dv[value + i] += p * d_row[i];
      for (std::int64_t i = 0; i < g.d; ++i) {
        dq[at.q(g.d) + i] += ds * k[key + i];
        dk[key + i] += ds * q[at.q(g.d) + i];
      }
    }
  });
}

}  // namespace isorbit::ops::flash
