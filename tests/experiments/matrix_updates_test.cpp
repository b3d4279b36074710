// The update words that look at a whole matrix, against their formulas in double by a singular value
// decomposition.
#include <gtest/gtest.h>

#include <cmath>

#include "core/linalg/linalg.hpp"
#include "tests/core/orthonormal.hpp"
#include "update_chain.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::Shape;
using testing_support::Chain;
using testing_support::normal;

const std::vector<Shape> kShapes = {{24, 40}, {40, 24}, {16, 16}, {1, 9}};

std::size_t size_of(const Shape& shape) { return static_cast<std::size_t>(shape.elements()); }

core::Svd svd(const std::vector<float>& w, const Shape& shape) {
  return core::svd(std::span<const float>(w), static_cast<std::size_t>(shape[0]),
                   static_cast<std::size_t>(shape[1]));
}

/// u diag(f(s)) vt of a matrix.
template <class F>
std::vector<double> with_singular_values(const core::Svd& w, const F& f) {
  std::vector<double> out(w.rows * w.cols);
  for (std::size_t k = 0; k < w.rank; ++k)
    for (std::size_t i = 0; i < w.rows; ++i)
      for (std::size_t j = 0; j < w.cols; ++j)
        out[i * w.cols + j] += f(k) * w.u[i * w.rank + k] * w.vt[k * w.cols + j];
  return out;
}

/// What a chain of words moves a tensor by in one update; the tensor starts at zero.
std::vector<float> moved(Chain& chain, const std::vector<float>& gradient) {
  const std::vector<float> before = chain.tensor;
  chain.update(gradient);
  std::vector<float> out(before.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = before[i] - chain.tensor[i];
  return out;
}

Chain at_zero(const Shape& shape, const Json& words) {
  Chain chain{std::vector<float>(size_of(shape)), shape};
  for (const Json& word : words) chain.add(word);
  return chain;
}

void expect_near(const std::vector<float>& found, const std::vector<double>& expected, double bound,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], bound) << what;
}

TEST(Orthogonalize, SendsEverySingularValueThroughItsPolynomialAndKeepsTheVectors) {
  for (const Shape& shape : kShapes) {
    Chain chain = at_zero(shape, {{{"kind", "orthogonalize"}, {"scale", "none"}}});
    const std::vector<float> g = normal(size_of(shape), 3);
    const core::Svd of = svd(g, shape);
    double norm = 0;
    for (const double s : of.s) norm += s * s;
    const auto image = [&](std::size_t k) {
      double x = of.s[k] / std::sqrt(norm);
      for (int i = 0; i < 5; ++i) x = 3.4445 * x - 4.7750 * std::pow(x, 3) + 2.0315 * std::pow(x, 5);
      return x;
    };
    expect_near(moved(chain, g), with_singular_values(of, image), 2e-5, shape.text());
  }
}

/// Law 7.
TEST(Orthogonalize, SingularValuesLandInTheStatedBandTimesTheScaleOfTheShape) {
  for (const Shape& shape : kShapes) {
    const auto m = static_cast<double>(shape[0]), n = static_cast<double>(shape[1]);
    const std::map<std::string, double> scales = {{"none", 1.0},
                                                  {"aspect_ratio", std::sqrt(std::max(1.0, m / n))},
                                                  {"adam_rms", 0.2 * std::sqrt(std::max(m, n))}};
    for (const auto& [scale, factor] : scales) {
      Chain chain = at_zero(shape, {{{"kind", "muon"}, {"learning_rate", 1.0}, {"scale", scale}}});
      for (std::uint64_t t = 0; t < 3; ++t) {
        const std::vector<double> values = svd(moved(chain, normal(size_of(shape), 10 + t, 1e-3)), shape).s;
        EXPECT_LE(values.front(), 1.21 * factor) << shape.text() << " " << scale;
        EXPECT_GE(values.back(), 0.68 * factor) << shape.text() << " " << scale;
      }
    }
  }
}

TEST(Orthogonalize, TheLengthOfTheDirectionMakesNoDifferenceAndZeroStaysZero) {
  const Shape shape{8, 12};
  std::vector<std::vector<float>> all;
  for (const double length : {1.0, 1e-25, 1e25}) {
    Chain chain = at_zero(shape, {{{"kind", "orthogonalize"}}});
    std::vector<float> g = normal(size_of(shape), 4);
    for (float& x : g) x = static_cast<float>(x * length);
    all.push_back(moved(chain, g));
  }
  for (std::size_t i = 0; i < all[0].size(); ++i) {
    EXPECT_NEAR(all[1][i], all[0][i], 1e-5);
    EXPECT_NEAR(all[2][i], all[0][i], 1e-5);
  }
  Chain chain = at_zero(shape, {{{"kind", "orthogonalize"}}});
  EXPECT_EQ(moved(chain, std::vector<float>(size_of(shape))), std::vector<float>(size_of(shape)));
}

Json galore(std::int64_t rank, const Json& inner, const Json& more = Json::object()) {
  Json word = {{"kind", "galore"}, {"rank", rank}, {"scale", 1.0}, {"refresh", 1000}, {"update", inner}};
  word.update(more);
  return Json::array({word});
}

const Json kNothing = Json::array({{{"kind", "scale"}, {"factor", 1.0}}});

/// Eckart and Young: the first update is the best approximation of the gradient of that rank.
TEST(Galore, AroundNothingItIsTheGradientsBestApproximationOfItsRank) {
  for (const Shape& shape : kShapes) {
    const std::int64_t rank = std::min<std::int64_t>(shape[0], 5);
    Chain chain = at_zero(shape, galore(rank, kNothing));
    const std::vector<float> g = normal(size_of(shape), 3);
    const auto first = [&](const core::Svd& of) {
      return with_singular_values(
          of, [&](std::size_t k) { return k < static_cast<std::size_t>(rank) ? of.s[k] : 0.0; });
    };
    expect_near(moved(chain, g), first(svd(g, shape)), 1e-5, shape.text());
  }
}

TEST(Galore, BetweenRefreshesItMovesTheTensorWithinItsSubspaceAndARefreshTakesANewOne) {
  for (const Shape& shape : {Shape{24, 40}, Shape{40, 24}}) {
    Chain chain = at_zero(shape, galore(4, Json::array({{{"kind", "adam"}}}), {{"refresh", 3}}));
    for (std::uint64_t t = 0; t < 4; ++t) {
      chain.update(normal(size_of(shape), 20 + t));
      const std::vector<double> values = svd(chain.tensor, shape).s;
      if (t < 3) {
        EXPECT_LE(values[4], 1e-5 * values[0]) << t;
        EXPECT_GE(values[3], 1e-2 * values[0]) << t;
      } else {
        EXPECT_GE(values[7], 1e-3 * values[0]) << "the second subspace adds its own";
      }
    }
  }
}

/// Law 7.
TEST(Galore, AtFullRankAroundMomentumItIsMomentum) {
  const Json momentum = Json::array({{{"kind", "momentum"}, {"nesterov", true}}});
  for (const Shape& shape : kShapes) {
    Chain inside = at_zero(shape, galore(std::min(shape[0], shape[1]), momentum)),
          alone = at_zero(shape, momentum);
    for (std::uint64_t t = 0; t < 10; ++t) {
      inside.update(normal(size_of(shape), 30 + t));
      alone.update(normal(size_of(shape), 30 + t));
    }
    expect_near(inside.tensor, {alone.tensor.begin(), alone.tensor.end()}, 2e-4, shape.text());
  }
}

/// P g [rank, cols], or g P^T [rows, rank], with the projector a chain has kept.
struct Basis {
  const std::vector<float>& p;
  Shape shape;
  std::size_t rank;
  [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(shape[0]); }
  [[nodiscard]] std::size_t cols() const { return static_cast<std::size_t>(shape[1]); }
  [[nodiscard]] bool wide() const { return rows() <= cols(); }
  [[nodiscard]] Shape small() const {
    const auto r = static_cast<std::int64_t>(rank);
    return wide() ? Shape{r, shape[1]} : Shape{shape[0], r};
  }
  /// Calls f(i, j, k, p) for every entry p that links [i, j] of the full matrix with k of its short side.
  template <class F>
  void over(const F& f) const {
    for (std::size_t k = 0; k < rank; ++k)
      for (std::size_t i = 0; i < rows(); ++i)
        for (std::size_t j = 0; j < cols(); ++j)
          f(i * cols() + j, wide() ? k * cols() + j : i * rank + k,
            p[k * (wide() ? rows() : cols()) + (wide() ? i : j)]);
  }
  [[nodiscard]] std::vector<float> into(const std::vector<float>& full) const {
    std::vector<double> out(size_of(small()));
    over([&](std::size_t at, std::size_t to, float x) { out[to] += static_cast<double>(x) * full[at]; });
    return {out.begin(), out.end()};
  }
  [[nodiscard]] std::vector<double> back(const std::vector<float>& reduced) const {
    std::vector<double> out(size_of(shape));
    over([&](std::size_t to, std::size_t at, float x) { out[to] += static_cast<double>(x) * reduced[at]; });
    return out;
  }
};

/// Law 7, at full rank and below, with a word that reads the tensor.
TEST(Galore, AroundAdamItIsAdamInTheBasisOfItsProjector) {
  const Json inner =
      Json::array({{{"kind", "adam"}, {"epsilon", 1e-6}}, {{"kind", "weight_decay"}, {"rate", 0.1}}});
  const Json rate = {{"kind", "learning_rate"}, {"value", 0.01}};
  for (const Shape& shape : kShapes) {
    for (const std::int64_t rank : {std::min(shape[0], shape[1]), std::min<std::int64_t>(shape[0], 4)}) {
      Json words = galore(rank, inner), plain = inner;
      words.push_back(rate);
      plain.push_back(rate);
      Chain inside = at_zero(shape, words);
      const Basis basis{inside.links[0].moments[0], shape, static_cast<std::size_t>(rank)};
      Chain reduced = at_zero(basis.small(), plain);
      for (std::uint64_t t = 0; t < 10; ++t) {
        const std::vector<float> g = normal(size_of(shape), 40 + t);
        inside.update(g);
        reduced.update(basis.into(g));
      }
      expect_near(inside.tensor, basis.back(reduced.tensor), 1e-4, shape.text());
    }
  }
}

TEST(Galore, KeepsMomentsOfTheProjectedShapeAndItsProjectorOrthonormal) {
  Chain chain = at_zero({12, 20}, galore(3, Json::array({{{"kind", "adam"}}, {{"kind", "lion"}}})));
  chain.update(normal(240, 1));
  std::vector<std::string> names;
  for (const Moment& moment : chain.links[0].described) names.push_back(moment.name);
  EXPECT_EQ(names, (std::vector<std::string>{"projector", "adam.m", "adam.v", "lion.m"}));
  EXPECT_EQ(chain.links[0].moments[0].size(), 36U);
  for (std::size_t m = 1; m < 4; ++m) EXPECT_EQ(chain.links[0].moments[m].size(), 60U);
  EXPECT_LE(isorbit::testing_support::orthonormality_defect(chain.links[0].moments[0], 3), 1e-6);
}

TEST(Galore, ARefreshOnTheSameGradientChangesNothingWhateverTheSigns) {
  const std::vector<float> g = normal(240, 7);
  std::vector<float> opposite = g;
  for (float& x : opposite) x = -x;
  Chain chain = at_zero({12, 20}, galore(3, Json::array({{{"kind", "adam"}}}), {{"refresh", 1}}));
  chain.update(g);
  const std::vector<float> projector = chain.links[0].moments[0];
  chain.update(opposite);
  chain.update(g);
  expect_near(chain.links[0].moments[0], {projector.begin(), projector.end()}, 1e-6, "projector");
}

TEST(Galore, AGradientThatIsNoNumberShowsInTheTensor) {
  Chain chain = at_zero({4, 4}, galore(2, Json::array({{{"kind", "adam"}}})));
  std::vector<float> g = normal(16, 1);
  g[5] = std::nanf("");
  chain.update(g);
  EXPECT_TRUE(std::ranges::any_of(chain.tensor, [](float x) { return std::isnan(x); }));
}

}  // namespace
}  // namespace isorbit::experiments
