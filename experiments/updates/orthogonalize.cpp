// Brings the singular values of a direction D [m, n] near 1 and keeps its singular vectors, as Muon does
// (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024), by Newton-Schulz steps:
//   X = D / |D|_F,   X <- a X + (b A + c A^2) X,   A = X X^T,   (a, b, c) = (3.4445, -4.7750, 2.0315)
// with A = X^T X and X (b A + c A^2) where m > n. Five steps take the singular values of X above 0.002 into
// [0.68, 1.21]; smaller ones grow by 3.4445 a step. The size of D makes no difference. Then, by "scale",
//   aspect_ratio  direction *= sqrt(max(1, m / n)): the same change of the output's root mean square per
//                 step for any shape (Jordan et al.)
//   adam_rms      direction *= 0.2 sqrt(max(m, n)): entries of about the size of AdamW's, whose learning rate
//                 and decay then fit (Liu et al., arXiv 2502.16982)
//   none          as it is
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/linalg/products.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments::updates {

namespace {

using core::Json;
using core::Shape;

constexpr float kA = 3.4445F, kB = -4.7750F, kC = 2.0315F;

/// One step on x [rows, cols]; `gram` and `polynomial` have min(rows, cols)^2 entries, `next` is of x's size.
void newton_schulz(std::vector<float>& x, std::size_t rows, std::size_t cols, std::vector<float>& gram,
                   std::vector<float>& polynomial, std::vector<float>& next) {
  const bool wide = rows <= cols;
  const std::size_t side = std::min(rows, cols);
  core::multiply_by_own_transpose({x, rows, cols, !wide}, gram);
  core::multiply_by_own_transpose({gram, side, side}, polynomial, kC);
  for (std::size_t i = 0; i < gram.size(); ++i) polynomial[i] += kB * gram[i];
  for (std::size_t i = 0; i < side; ++i) polynomial[i * side + i] += kA;
  const core::Matrix factor{polynomial, side, side}, of{x, rows, cols};
  core::multiply(wide ? factor : of, wide ? of : factor, next);
  x.swap(next);
}

double scale_of(const std::string& scale, const Shape& shape) {
  const auto m = static_cast<double>(shape[0]), n = static_cast<double>(shape[1]);
  if (scale == "aspect_ratio") return std::sqrt(std::max(1.0, m / n));
  return scale == "adam_rms" ? 0.2 * std::sqrt(std::max(m, n)) : 1.0;
}

void orthogonalize_chunk(const Chunk& chunk, std::int64_t steps, const std::string& scale) {
  double squares = 0;
  for (const float d : chunk.direction) squares += static_cast<double>(d) * d;
  if (squares == 0) return;
  const double norm = std::sqrt(squares);
  const auto rows = static_cast<std::size_t>(chunk.shape[0]), cols = static_cast<std::size_t>(chunk.shape[1]);
  const std::size_t side = std::min(rows, cols);
  std::vector<float> x(chunk.direction.size()), next(x.size()), gram(side * side), polynomial(side * side);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(chunk.direction[i] / norm);
  for (std::int64_t i = 0; i < steps; ++i) newton_schulz(x, rows, cols, gram, polynomial, next);
  const auto factor = static_cast<float>(scale_of(scale, chunk.shape));
  for (std::size_t i = 0; i < x.size(); ++i) chunk.direction[i] = factor * x[i];
}

std::vector<Misfit> misfits(const Json&, const Shape& tensor) {
  if (tensor.rank() == 2) return {};
  return {{"kind", "\"orthogonalize\"", "a word that fits tensors that are no matrices",
           "is " + tensor.text() + " and has no singular values",
           "a group before this one for it, with \"adam\""}};
}

}  // namespace

Update orthogonalize() {
  return {.name = "orthogonalize",
          .doc = "brings the singular values of a matrix near 1",
          .fields = {{"steps", core::Spec::integer().at_least(1).at_most(64), "Newton-Schulz steps", Json(5)},
                     {"scale", core::Spec::text().one_of({"aspect_ratio", "adam_rms", "none"}),
                      "aspect_ratio: times sqrt(max(1, m/n)); adam_rms: times 0.2 sqrt(max(m, n))",
                      Json("aspect_ratio")}},
          .misfits = misfits,
          .prepare = [](const Json& fields, const Turn&) -> ChunkUpdate {
            return [steps = fields.at("steps").get<std::int64_t>(),
                    scale = fields.at("scale").get<std::string>()](const Chunk& chunk) {
              orthogonalize_chunk(chunk, steps, scale);
            };
          },
          .degree = 0,
          .whole_tensor = true};
}

}  // namespace isorbit::experiments::updates
