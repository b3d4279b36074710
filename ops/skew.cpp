// Skew-symmetric matrices from their strict upper triangle, as POET trains them (Qiu et al., arXiv
// 2506.08001).
//   skew:         x [..., b(b-1)/2] -> Q [..., b, b]: Q_ij = x_k for i < j, row by row; Q_ji = -Q_ij; Q_ii =
//   0 skew_fold:    D [..., b, b] -> [..., b(b-1)/2]: D_ij - D_ji for i < j (the transpose of skew)
//   add_identity: y = x + scale I on every matrix of x [..., b, b]
#include <algorithm>

#include "ops/common.hpp"
#include "ops/rotation/triangle.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

/// The innermost extent b of square matrices; refuses anything else.
std::int64_t square(const core::Infer& x) {
  least_rank(x, 0, 2, "it holds square matrices");
  if (x.in(0).back(0) != x.in(0).back(1)) x.refuse(0, "two equal last extents", "it holds square matrices");
  return x.in(0).back();
}

std::vector<core::TensorType> infer_skew(const core::Infer& x) {
  const std::int64_t b = x.integer("size");
  if (b > 1 << 20) x.refuse_attribute("size", std::to_string(b), "at most 1048576");
  least_rank(x, 0, 1);
  if (x.in(0).back() != triangle(b)) {
    x.refuse(0, "a last extent of " + std::to_string(triangle(b)),
             "the strict upper triangle of size " + std::to_string(b) + " has so many entries");
  }
  std::vector<std::int64_t> dims = x.in(0).dims();
  dims.back() = b;
  dims.push_back(b);
  return {f32(std::move(dims))};
}

std::vector<core::TensorType> infer_fold(const core::Infer& x) {
  const std::int64_t b = square(x);
  if (b < 2) x.refuse(0, "matrices of size 2 or more", "the strict upper triangle must have entries");
  std::vector<std::int64_t> dims = x.in(0).dims();
  dims.pop_back();
  dims.back() = triangle(b);
  return {f32(std::move(dims))};
}

/// Runs work(matrix index) for each of `n` matrices of size b.
template <class Work>
void each(core::Engine& engine, std::int64_t n, std::int64_t b, const Work& work) {
  engine.parallel(n, 1 + 16384 / (b * b), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) work(i);
  });
}

core::OpCard skew_card() {
  return {
      .name = "skew",
      .doc = "skew-symmetric matrices from their strict upper triangles",
      .inputs = {{"x"}},
      .attributes = {integer_field("size", "rows and columns of a matrix", {}, 2)},
      .infer = infer_skew,
      .grad = [](core::Grad& x) { x.set(0, x.build().op("skew_fold", {x.dy()})); },
      .lower =
          [](const core::Lower& x) {
            const std::int64_t b = x.integer("size"), n = x.in(0).rows();
            return core::Lowered::own("skew", [=](const core::Binding& t) {
              each(*t.engine, n, b,
                   [&](std::int64_t i) { unfold(t.input(0) + i * triangle(b), t.output() + i * b * b, b); });
            });
          },
      .ref =
          [](const core::Ref& x) {
            const std::int64_t b = x.integer("size");
            for (std::int64_t i = 0; i < x.in_shape(0).rows(); ++i) {
              unfold(x.in(0).data() + i * triangle(b), x.out().data() + i * b * b, b);
            }
          },
      .samples = {{{{{3, 6}}}, {{"size", 4}}}, {{{{1}}}, {{"size", 2}}}, {{{{2, 2, 45}}}, {{"size", 10}}}},
  };
}

core::OpCard fold_card() {
  return {
      .name = "skew_fold",
      .doc = "upper triangle minus lower triangle of square matrices",
      .inputs = {{"x"}},
      .infer = infer_fold,
      .grad =
          [](core::Grad& x) {
            x.set(0, x.build().op("skew", {x.dy()}, {{"size", x.shape(0).back()}}));
          },
      .lower =
          [](const core::Lower& x) {
            const std::int64_t b = x.in(0).back(), n = x.out().rows();
            return core::Lowered::own("skew_fold", [=](const core::Binding& t) {
              each(*t.engine, n, b,
                   [&](std::int64_t i) { fold(t.input(0) + i * b * b, t.output() + i * triangle(b), b); });
            });
          },
      .ref =
          [](const core::Ref& x) {
            const std::int64_t b = x.in_shape(0).back();
            for (std::int64_t i = 0; i < x.out_shape().rows(); ++i) {
              fold(x.in(0).data() + i * b * b, x.out().data() + i * triangle(b), b);
            }
          },
      .samples = {{{{{3, 4, 4}}}}, {{{{2, 2}}}}},
  };
}

core::OpCard identity_card() {
  return {
      .name = "add_identity",
      .doc = "adds a multiple of the identity to square matrices",
      .inputs = {{"x"}},
      .attributes = {number_field("scale", "what is added to the diagonal", 1.0)},
      .infer =
          [](const core::Infer& x) {
            square(x);
            return like_first(x);
          },
      .grad = [](core::Grad& x) { x.set(0, x.dy()); },
      .lower =
          [](const core::Lower& x) {
            const std::int64_t b = x.in(0).back(), n = x.in(0).elements() / (b * b);
            return core::Lowered::own(
                "add_identity", [=, scale = static_cast<float>(x.number("scale"))](const core::Binding& t) {
                  each(*t.engine, n, b, [&](std::int64_t m) {
                    float* y = t.output() + m * b * b;
                    if (t.in[0] != t.out[0]) std::copy_n(t.input(0) + m * b * b, b * b, y);
                    for (std::int64_t i = 0; i < b; ++i) y[i * b + i] += scale;
                  });
                });
          },
      .ref =
          [](const core::Ref& x) {
            const std::int64_t b = x.in_shape(0).back();
            std::copy(x.in(0).begin(), x.in(0).end(), x.out().begin());
            for (std::size_t at = 0; at < x.out().size(); ++at) {
              const auto within = static_cast<std::int64_t>(at) % (b * b);
              if (within / b == within % b) x.out()[at] += x.number("scale");
            }
          },
      .flops = [](const core::Infer& x) { return static_cast<double>(x.in(0).rows()); },
      .in_place = {{0, 0}},
      .samples = {{{{{3, 4, 4}}}}, {{{{2, 2}}}, {{"scale", -0.5}}}},
  };
}

}  // namespace

core::OpFamily skew() { return {skew_card(), fold_card(), identity_card()}; }

}  // namespace isorbit::ops
