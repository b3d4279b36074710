#include "ops/matmul/geometry.hpp"

#include <algorithm>

#include "ops/common.hpp"

namespace isorbit::ops::product {

using core::Shape;

namespace {

std::vector<std::int64_t> leading(const Shape& s) { return {s.dims().begin(), s.dims().end() - 2}; }

}  // namespace

Geometry geometry(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  Geometry g;
  g.n = b.back(transpose_b ? 1 : 0);
  std::vector<std::int64_t> result;
  if (b.rank() == 2 && a.rank() > 2) {
    g.m = a.rows();
    g.k = a.back();
    result = {a.dims().begin(), a.dims().end() - 1};
  } else {
    g.a_batch = leading(a), g.b_batch = leading(b);
    for (std::size_t i = 0; i < g.a_batch.size(); ++i)
      g.batch.push_back(std::max(g.a_batch[i], g.b_batch[i]));
    g.m = a.back(transpose_a ? 0 : 1);
    g.k = a.back(transpose_a ? 1 : 0);
    result = g.batch;
    result.push_back(g.m);
  }
  result.push_back(g.n);
  g.result = Shape(std::move(result));
  return g;
}

Geometry geometry(const core::Infer& x) {
  return geometry(x.in(0), x.in(1), x.flag("transpose_a"), x.flag("transpose_b"));
}

std::vector<core::TensorType> infer(const core::Infer& x, const Terms& terms) {
  least_rank(x, 0, 2, "a matrix product needs matrices");
  least_rank(x, 1, 2, "a matrix product needs matrices");
  const Shape &a = x.in(0), &b = x.in(1);
  if (a.rank() > 12) x.refuse(0, "at most 12 dimensions");
  const bool flat = b.rank() == 2 && a.rank() > 2;
  if (flat && x.flag("transpose_a")) {
    x.refuse_attribute("transpose_a", "true", "false", "a " + a.text() + " has more axes than b " + b.text());
  }
  if (!flat && a.rank() != b.rank())
    x.refuse(1, "2 or " + std::to_string(a.rank()) + " dimensions", "a is " + a.text());
  for (std::size_t i = 0; !flat && i + 2 < a.rank(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) {
      x.refuse(1, std::to_string(a[i]) + " or 1 in axis " + std::to_string(i), "a is " + a.text());
    }
  }
  const Geometry g = geometry(x);
  const std::int64_t b_k = b.back(x.flag("transpose_b") ? 0 : 1);
  if (b_k != g.k) {
    x.refuse(1, std::to_string(g.k) + (x.flag("transpose_b") ? " columns" : " rows"),
             "a " + a.text() + " contracts over " + std::to_string(g.k));
  }
  if (terms.addend && x.in(*terms.addend) != g.result)
    x.refuse(*terms.addend, g.result.text(), "it is added to the product");
  if (x.has(terms.bias) && x.in(terms.bias) != Shape{g.n})
    x.refuse(terms.bias, Shape{g.n}.text(), "the result has " + std::to_string(g.n) + " columns");
  return {f32(g.result)};
}

double flops(const core::Infer& x, const Terms& terms) {
  const Geometry g = geometry(x);
  const auto elements = static_cast<double>(g.result.elements());
  return 2.0 * static_cast<double>(g.k) * elements + (terms.addend ? elements : 0);
}

std::vector<core::MatrixProduct> products(const core::Infer& x, std::span<const core::TensorType> out) {
  const Geometry g = geometry(x);
  return {{Shape(g.batch).elements(), g.m, g.k, g.n, x.flag("transpose_a"), x.flag("transpose_b"),
           x.type(0).dtype, out[0].dtype}};
}

}  // namespace isorbit::ops::product
