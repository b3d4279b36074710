// How W0 [m, n] is drawn before training (its singular values stay for the whole run):
//   normalized_gaussian  Gaussian, every row scaled to the norm `gain`
//   standard             Gaussian of standard deviation 0.02 gain
//   xavier               Gaussian of variance gain^2 2 / (m + n)
//   uniform_spectrum     Haar-distributed with all singular values `gain`
// Numbers are drawn and scaled in double and rounded once.
#include <cmath>
#include <vector>

#include "core/linalg/linalg.hpp"
#include "core/random/philox.hpp"
#include "experiments/parametrizations/poet/poet.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

void normalize_rows(std::vector<double>& w, std::size_t columns) {
  for (std::size_t first = 0; first < w.size(); first += columns) {
    double squares = 0.0;
    for (std::size_t i = first; i < first + columns; ++i) squares += w[i] * w[i];
    for (std::size_t i = first; i < first + columns; ++i) w[i] /= std::sqrt(squares);
  }
}

std::vector<double> gaussian(std::size_t count, const core::Philox& random) {
  std::vector<double> w(count);
  for (std::size_t i = 0; i < count; ++i) w[i] = random.normal(i);
  return w;
}

}  // namespace

void initialize(const core::Json& fields, const std::string& weight, core::Tensor& drawn,
                std::uint64_t seed) {
  const auto kind = fields.at("init").get<std::string>();
  if (kind == "model") return;
  const auto rows = static_cast<std::size_t>(drawn.shape()[0]);
  const auto columns = static_cast<std::size_t>(drawn.shape()[1]);
  const core::Philox random(seed, core::stream_of(weight + "/init"));
  double scale = fields.at("gain").get<double>();
  std::vector<double> w = kind == "uniform_spectrum" ? core::random_orthogonal(rows, columns, random)
                                                     : gaussian(rows * columns, random);
  if (kind == "normalized_gaussian") normalize_rows(w, columns);
  if (kind == "standard") scale *= 0.02;
  if (kind == "xavier") scale *= std::sqrt(2.0 / static_cast<double>(rows + columns));
  const auto values = drawn.values();
  for (std::size_t i = 0; i < w.size(); ++i) values[i] = static_cast<float>(scale * w[i]);
}

std::optional<Misfit> redraws(const core::Json& fields) {
  const auto kind = fields.at("init").get<std::string>();
  if (kind == "model") return std::nullopt;
  return Misfit{"init", core::shown(core::Json(kind)), "\"model\"",
                "it would be drawn anew in place of the weight that is given", "\"model\""};
}

std::optional<Misfit> keeps_zeros(const core::Json& fields) {
  if (fields.at("init") != "model") return std::nullopt;
  return Misfit{"init", "\"model\"", "an init that draws the base, or a model that does not draw it as zeros",
                "no rotation moves", "\"normalized_gaussian\""};
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
