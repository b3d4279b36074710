// POET: which weights it fits, how bases are drawn, and what a rotation may do to singular values.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "parametrized_weight.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::Shape;
using testing_support::ParametrizedWeight;
using testing_support::poet_fields;

TEST(Poet, BlockSizesMustDivideBothSides) {
  const Parametrization& poet = testing_support::parametrization("poet");
  const auto misfits = poet.misfits(poet_fields({{"block_size", 48}}), Shape{320, 128});
  ASSERT_EQ(misfits.size(), 1U);
  EXPECT_EQ(misfits[0].field, "block_size");
  EXPECT_EQ(misfits[0].found, "48");
  EXPECT_EQ(misfits[0].expected, "a divisor of 320 and 128");
  EXPECT_EQ(misfits[0].because, "is [320, 128]");
  EXPECT_EQ(misfits[0].suggestion, "64");
  EXPECT_TRUE(poet.misfits(poet_fields({{"block_size", 64}}), Shape{320, 128}).empty());
  EXPECT_EQ(poet.misfits(poet_fields({{"block_size", 4}}), Shape{15, 8})[0].suggestion,
            "\"sampling\": \"full\"");
  EXPECT_EQ(poet.misfits(poet_fields({}), Shape{96, 32})[0].suggestion, "32");
}

TEST(Poet, FullSamplingFitsAnyMatrixAndTakesItsShareOfEachSide) {
  const Parametrization& poet = testing_support::parametrization("poet");
  const Json fields = poet_fields({{"sampling", "full"}, {"budget", 0.25}});
  EXPECT_TRUE(poet.misfits(fields, Shape{15, 8}).empty());
  EXPECT_FALSE(poet.misfits(fields, Shape{8}).empty());
  EXPECT_FALSE(poet.misfits(fields, Shape{1, 8}).empty());
  const auto coordinates = poet.coordinates(fields, Shape{40, 3});
  EXPECT_EQ(coordinates[0].type.shape, (Shape{1, 45}));
  EXPECT_EQ(coordinates[1].type.shape, (Shape{1, 1}));
  EXPECT_FALSE(poet.misfits(poet_fields({{"sampling", "full"}, {"block_size", 4}}), Shape{8, 8}).empty());
}

TEST(Poet, TrainsTheNumbersThePaperCounts) {
  const Parametrization& poet = testing_support::parametrization("poet");
  const auto coordinates = poet.coordinates(poet_fields({{"block_size", 64}}), Shape{320, 128});
  std::int64_t trained = 0;
  for (const Coordinate& c : coordinates) trained += c.trainable ? c.type.shape.elements() : 0;
  EXPECT_EQ(trained, (320 + 128) / 64 * (64 * 63 / 2));
}

TEST(Poet, IndicesAreDrawnAnewByWeightSeedAndInterval) {
  for (const char* sampling : {"block", "full"}) {
    Json fields = poet_fields({{"sampling", sampling}});
    if (fields.at("sampling") == "block") fields["block_size"] = 8;
    ParametrizedWeight w("poet", fields, Shape{32, 16});
    std::set<std::vector<std::int32_t>> drawn;
    const auto indices = [&] {
      const auto span = w.coordinates[2].indices();
      return std::vector<std::int32_t>(span.begin(), span.end());
    };
    for (const int interval : {0, 1, 2}) w.start(1, interval), drawn.insert(indices());
    w.start(2, 0), drawn.insert(indices());
    EXPECT_EQ(drawn.size(), 4U) << sampling;
    w.start(1, 0);
    EXPECT_TRUE(drawn.contains(indices())) << sampling;
  }
}

TEST(Poet, FullSamplingDrawsASetWithoutRepeatsFromTheWholeSide) {
  ParametrizedWeight w("poet", poet_fields({{"sampling", "full"}, {"budget", 0.5}}), Shape{32, 16});
  std::set<std::int32_t> seen;
  for (int interval = 0; interval < 20; ++interval) {
    w.start(1, interval);
    const auto span = w.coordinates[2].indices();
    EXPECT_EQ(std::set<std::int32_t>(span.begin(), span.end()).size(), 16U);
    seen.insert(span.begin(), span.end());
  }
  EXPECT_EQ(seen.size(), 32U);
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), 31);
}

std::vector<double> spectrum_of(const std::string& init, double gain, const Shape& shape) {
  ParametrizedWeight w("poet", poet_fields({{"block_size", 8}, {"init", init}, {"gain", gain}}), shape);
  w.word.initialize(w.fields, "w", w.base, 3);
  return core::singular_values(std::span<const float>(w.base.values()), static_cast<std::size_t>(shape[0]),
                               static_cast<std::size_t>(shape[1]));
}

TEST(PoetInit, NormalizedGaussianHasRowsOfTheGainsNorm) {
  ParametrizedWeight w("poet", poet_fields({{"block_size", 8}, {"gain", 3.0}}), Shape{64, 24});
  w.word.initialize(w.fields, "w", w.base, 3);
  for (std::size_t row = 0; row < 64; ++row) {
    double squares = 0;
    for (std::size_t i = 0; i < 24; ++i) squares += std::pow(w.base.values()[row * 24 + i], 2);
    EXPECT_NEAR(std::sqrt(squares), 3.0, 1e-6);
  }
}

TEST(PoetInit, GaussiansHaveTheirStatedDeviation) {
  for (const auto& [init, deviation] : {std::pair{"standard", 0.02}, {"xavier", std::sqrt(2.0 / 384)}}) {
    double squares = 0;
    for (const double s : spectrum_of(init, 2.0, Shape{256, 128})) squares += s * s;
    EXPECT_NEAR(std::sqrt(squares / (256 * 128)), 2.0 * deviation, 0.02 * deviation) << init;
  }
}

TEST(PoetInit, UniformSpectrumHasEqualSingularValues) {
  for (const Shape& shape : {Shape{40, 24}, Shape{24, 40}})
    for (const double s : spectrum_of("uniform_spectrum", 1.5, shape)) EXPECT_NEAR(s, 1.5, 1e-6);
}

TEST(PoetInit, ModelLeavesTheBaseAlone) {
  ParametrizedWeight w("poet", poet_fields({{"block_size", 8}, {"init", "model"}}), Shape{16, 8});
  const std::vector<float> before = w.load();
  w.word.initialize(w.fields, "w", w.base, 3);
  EXPECT_EQ(w.load(), before);
}

/// W [2, 2] = G_left W0 G_right with blocks of size 2: both singular values move by |1 - (it)^(k+1)|^2.
TEST(PoetBound, OfOneBlockOfTwoIsReached) {
  for (const int terms : {1, 2, 3, 4, 5}) {
    ParametrizedWeight w("poet", poet_fields({{"block_size", 2}, {"neumann_terms", terms}}), Shape{2, 2});
    w.coordinates[0].values()[0] = w.coordinates[1].values()[0] = 0.5F;
    const double modulus = std::abs(1.0 - std::pow(std::complex<double>(0, 0.5), terms + 1));
    EXPECT_NEAR(w.defect(w.reference()), std::abs(modulus * modulus - 1.0), 1e-9) << terms;
    const double most = (1 + std::abs(modulus - 1)) * (1 + std::abs(modulus - 1)) - 1;
    EXPECT_NEAR(w.bound(), most, 2e-6) << terms;
    EXPECT_LE(w.defect(w.reference()), w.bound()) << terms;
  }
}

TEST(PoetBound, IsOnlyRoundingForTheExactMapAndNotANumberForLostCoordinates) {
  ParametrizedWeight w("poet", poet_fields({{"block_size", 8}, {"cayley", "exact"}}), Shape{16, 8});
  w.randomize(0.3);
  EXPECT_LT(w.bound(), 1e-5);
  EXPECT_GT(w.bound(), 0.0);
  w.fields["cayley"] = "neumann";
  EXPECT_GT(w.bound(), 1e-3);
  w.coordinates[0].values()[0] = std::nanf("");
  EXPECT_TRUE(std::isnan(w.bound()));
}

}  // namespace
}  // namespace isorbit::experiments
