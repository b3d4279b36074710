// y_ij = x_(rows(i), columns(j)), or inverse: y_(rows(i), columns(j)) = x_ij, for a matrix x [m, n] and
// permutations rows [m], columns [n], each the other's gradient. POET's base is stored in drawn order; a step
// makes W = R W0 P of it by the inverse.
#include <vector>

#include "ops/common.hpp"
#include "ops/rotation/take.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

struct Permutation {
  const std::int32_t *rows, *columns;
  std::int64_t m, n;
  bool inverse;
};

/// Rows are moved whole; in a row, elements are taken in the order of `columns` or of its inverse.
template <class T>
void permute(const float* x, const Permutation& p, T* y, core::Engine& engine) {
  engine.parallel(p.m, 1 + 8192 / p.n, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::int32_t> order(p.columns, p.columns + p.n);
    for (std::int64_t j = 0; p.inverse && j < p.n; ++j)
      order[static_cast<std::size_t>(p.columns[j])] = static_cast<std::int32_t>(j);
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t from = p.inverse ? i : p.rows[i], to = p.inverse ? p.rows[i] : i;
      take(x + from * p.n, order.data(), p.n, y + to * p.n);
    }
  });
}

std::vector<core::TensorType> infer(const core::Infer& x) {
  if (x.in(0).rank() != 2) x.refuse(0, "two dimensions");
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
    if (x.in(i) != Shape{x.in(0)[i - 1]})
      x.refuse(i, Shape{x.in(0)[i - 1]}.text(), "the matrix is " + x.in(0).text());
  return like_first(x);
}

core::Lowered lower(const core::Lower& x) {
  const std::int64_t m = x.in(0)[0], n = x.in(0)[1];
  const bool inverse = x.flag("inverse"), narrow = x.out_type().dtype == core::DType::bf16;
  return core::Lowered::own("permute_matrix", [=](const core::Binding& t) {
    const Permutation p{t.input<std::int32_t>(1), t.input<std::int32_t>(2), m, n, inverse};
    if (narrow) {
      permute(t.input(0), p, t.output<core::Bf16>(), *t.engine);
    } else {
      permute(t.input(0), p, t.output(), *t.engine);
    }
  });
}

void reference(const core::Ref& x) {
  const std::int64_t m = x.in_shape(0)[0], n = x.in_shape(0)[1];
  const bool inverse = x.flag("inverse");
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const auto here = static_cast<std::size_t>(i * n + j);
      const auto there = static_cast<std::size_t>(x.index(1)[static_cast<std::size_t>(i)] * n +
                                                  x.index(2)[static_cast<std::size_t>(j)]);
      x.out()[inverse ? there : here] = x.in(0)[inverse ? here : there];
    }
  }
}

}  // namespace

core::OpFamily permute_matrix() {
  using core::DType;
  core::OpCard card{
      .name = "permute_matrix",
      .doc = "rows and columns of a matrix in the order of two permutations, or back",
      .inputs = {{"x"}, {"rows", DType::s32}, {"columns", DType::s32}},
      .attributes = {flag_field("inverse", "undo the permutations", false)},
      .infer = infer,
      .grad =
          [](core::Grad& x) {
            x.set(0, x.build().op("permute_matrix", {x.dy(), x.in(1), x.in(2)},
                                  {{"inverse", !x.flag("inverse")}}));
          },
      .lower = lower,
      .ref = reference,
      .flops = [](const core::Infer&) { return 0.0; },
      .narrow = {.outputs = {0}},
      .samples = {{{{{7, 5}}, {{7}, DType::s32, 7, true}, {{5}, DType::s32, 5, true}}},
                  {{{{4, 33}}, {{4}, DType::s32, 4, true}, {{33}, DType::s32, 33, true}},
                   {{"inverse", true}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
