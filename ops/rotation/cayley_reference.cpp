#include <algorithm>
#include <vector>

#include "ops/rotation/cayley_series.hpp"
#include "ops/rotation/matrix.hpp"
#include "ops/rotation/triangle.hpp"

namespace isorbit::ops::cayley_reference {

namespace {

Matrix q_of(const core::Ref& x, std::int64_t block) {
  const std::int64_t b = x.integer("size");
  Matrix q(static_cast<std::size_t>(b * b));
  unfold(x.in(0).data() + block * triangle(b), q.data(), b);
  return q;
}

/// I, Q, Q^2, ..., Q^(terms + 1) of one block.
std::vector<Matrix> powers_of(const core::Ref& x, std::int64_t block) {
  const auto b = static_cast<std::size_t>(x.integer("size"));
  const Matrix q = q_of(x, block);
  std::vector<Matrix> powers = {identity(b)};
  for (std::int64_t i = 0; i <= x.integer("terms"); ++i) powers.push_back(product(powers.back(), q, b));
  return powers;
}

/// A_j of one block in double.
Matrix summand(const Matrix& q, const Series& series, std::int64_t j, std::size_t b) {
  Matrix a(q.size(), 0.0);
  add(a, identity(b), series.even(j)), add(a, q, series.odd(j));
  return a;
}

}  // namespace

void map(const core::Ref& x) {
  const std::int64_t b = x.integer("size"), terms = x.integer("terms");
  for (std::int64_t block = 0; block < x.in_shape(0)[0]; ++block) {
    const std::vector<Matrix> all = powers_of(x, block);
    Matrix g(all[0].size(), 0.0);
    for (std::int64_t i = 0; i <= terms + 1; ++i)
      add(g, all[static_cast<std::size_t>(i)], coefficient(i, terms));
    std::copy(g.begin(), g.end(), x.out().begin() + block * b * b);
  }
}

void powers(const core::Ref& x) {
  const std::int64_t b = x.integer("size"), blocks = x.in_shape(0)[0];
  const auto size = static_cast<std::size_t>(b);
  const Series series{x.integer("terms")};
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::vector<Matrix> all = powers_of(x, block);
    const auto h = [&](std::int64_t from) {  // sum over j >= from of A_j S^(j - from)
      Matrix sum(size * size, 0.0);
      for (std::int64_t i = 2 * from; i <= series.terms + 1; ++i)
        add(sum, all[static_cast<std::size_t>(i - 2 * from)], coefficient(i, series.terms));
      return sum;
    };
    const auto put = [&](std::span<double> out, std::int64_t at, const Matrix& m) {
      std::copy(m.begin(), m.end(), out.begin() + at * b * b);
    };
    put(x.out(0), block, h(0));
    put(x.out(1), block, all[2]);
    for (std::int64_t j = 1; j < series.last(); ++j) put(x.out(1), j * blocks + block, h(j));
  }
}

void gradient(const core::Ref& x) {
  const std::int64_t b = x.integer("size"), blocks = x.in_shape(0)[0];
  const auto size = static_cast<std::size_t>(b);
  const Series series{x.integer("terms")};
  const auto matrix = [&](std::span<const double> from, std::int64_t at) {
    return Matrix(from.begin() + at * b * b, from.begin() + (at + 1) * b * b);
  };
  for (std::int64_t block = 0; block < blocks; ++block) {
    const Matrix q = q_of(x, block), s = matrix(x.in(1), block);
    Matrix dh = matrix(x.in(2), block), dq(dh.size(), 0.0), ds(dh.size(), 0.0);
    for (std::int64_t j = 0; j < series.last(); ++j) {
      const Matrix h = j + 1 == series.last() ? summand(q, series, j + 1, size)
                                              : matrix(x.in(1), (j + 1) * blocks + block);
      add(dq, dh, series.odd(j));
      add(ds, product(h, dh, size, true), 1);
      dh = product(dh, s, size);
    }
    add(dq, dh, series.odd(series.last()));
    add(dq, product(q, ds, size), -1), add(dq, product(ds, q, size), -1);
    fold(dq.data(), x.out().data() + block * triangle(b), b);
  }
}

}  // namespace isorbit::ops::cayley_reference
