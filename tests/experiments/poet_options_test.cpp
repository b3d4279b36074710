// POET's options: separate budgets of R and P, a base in bytes, and what is summed up of the rotations of a
// run.
#include <gtest/gtest.h>

#include <cmath>

#include "parametrized_weight.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::Shape;
using testing_support::ParametrizedWeight;
using testing_support::poet_fields;

const Parametrization& poet() { return testing_support::parametrization("poet"); }

double trained(const Json& given, const Shape& shape) {
  double sum = 0;
  for (const Coordinate& c : poet().coordinates(poet_fields(given), shape))
    if (c.trainable) sum += static_cast<double>(c.type.shape.elements());
  return sum;
}

TEST(PoetBalance, GivesEachSideBlocksOfItsOwnSize) {
  const auto coordinates =
      poet().coordinates(poet_fields({{"block_size", 32}, {"balance", 4}}), Shape{128, 64});
  EXPECT_EQ(coordinates[0].type.shape, (Shape{2, 64 * 63 / 2}));
  EXPECT_EQ(coordinates[1].type.shape, (Shape{4, 16 * 15 / 2}));
}

TEST(PoetBalance, SplitsTheTotalOfFullSampling) {
  for (const Shape& shape : {Shape{400, 400}, Shape{800, 300}}) {
    const Json even = {{"sampling", "full"}, {"budget", 0.25}};
    Json uneven = even;
    uneven["balance"] = 2.0;
    EXPECT_NEAR(trained(uneven, shape) / trained(even, shape), 1.0, 0.01);
    const auto c = poet().coordinates(poet_fields(uneven), shape);
    const double rows = static_cast<double>(c[2].type.shape[0]) / static_cast<double>(shape[0]),
                 columns = static_cast<double>(c[3].type.shape[0]) / static_cast<double>(shape[1]);
    EXPECT_NEAR(rows / columns, 2.0, 0.03);
  }
}

TEST(PoetBalance, RefusesWhatDoesNotFitAndSaysWhatWould) {
  const auto odd = poet().misfits(poet_fields({{"block_size", 32}, {"balance", 3}}), Shape{128, 64});
  ASSERT_EQ(odd.size(), 1U);
  EXPECT_EQ(odd[0].field, "balance");
  EXPECT_EQ(odd[0].found, "3");
  EXPECT_EQ(odd[0].expected,
            "the ratio of a divisor of 128 to one of 64 whose geometric mean is \"block_size\", 32");
  EXPECT_EQ(odd[0].suggestion, "4");
  const auto many =
      poet().misfits(poet_fields({{"sampling", "full"}, {"budget", 0.8}, {"balance", 3}}), Shape{100, 100});
  ASSERT_EQ(many.size(), 1U);
  EXPECT_EQ(many[0].expected.substr(0, 12), "at most 1.88");
  const auto few = poet().misfits(poet_fields({{"sampling", "full"}, {"budget", 0.8}, {"balance", 0.25}}),
                                  Shape{100, 100});
  ASSERT_EQ(few.size(), 1U);
  EXPECT_EQ(few[0].expected.substr(0, 13), "at least 0.52");
  EXPECT_TRUE(poet().misfits(poet_fields({{"block_size", 32}, {"balance", 4}}), Shape{128, 64}).empty());
}

ParametrizedWeight in_bytes(const Shape& shape) {
  return {"poet", poet_fields({{"block_size", 8}, {"base", "int8"}}), shape};
}

std::vector<float> gaussian(std::size_t count) {
  std::vector<float> w(count);
  core::Philox(5, 5).fill_normal(w, 1.0);
  return w;
}

TEST(PoetInBytes, TakesAQuarterOfTheMemory) {
  const ParametrizedWeight w = in_bytes({64, 64});
  EXPECT_EQ(w.base.bytes().size(), 64U * 64);
  EXPECT_EQ(w.coordinates[8].bytes().size() + w.coordinates[9].bytes().size(), 64U * 64 / 256 * 8);
}

TEST(PoetInBytes, RoundsEveryElementByLessThanItsStepAndOnceOnly) {
  ParametrizedWeight w = in_bytes({24, 40});  // 960 elements: the last group is short
  std::vector<float> weight = gaussian(960);
  for (std::size_t i = 256; i < 512; ++i) weight[i] = std::abs(weight[i]) + 3;  // zero is an end of the range
  std::fill(weight.begin() + 512, weight.begin() + 768, 0.0F);
  weight[0] = 0;
  w.store(weight);
  const std::vector<float> once = w.load();
  double worst = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double step = w.coordinates[8].values()[i / 256];
    EXPECT_LE(std::abs(once[i] - weight[i]), step) << i;
    worst = std::max(worst, std::abs(once[i] - weight[i]) - step / 2);
    EXPECT_TRUE(weight[i] != 0 || once[i] == 0) << i;
  }
  EXPECT_LT(worst, 0.02);
  w.store(once);
  EXPECT_EQ(w.load(), once);
  w.start(7, 1);
  w.store(once);
  EXPECT_EQ(w.load(), once) << "groups are of the weight's own order, whatever is drawn";
}

TEST(PoetInBytes, IsMultipliedByItsScales) {
  ParametrizedWeight w = in_bytes({16, 32});
  const std::vector<float> before = w.load();
  w.word.multiply(w.fields, -0.5, w.base, w.all());
  const std::vector<float> after = w.load();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(after[i], -0.5F * before[i]);
}

TEST(PoetInBytes, AnInfiniteElementLosesItsGroupAndNoOther) {
  ParametrizedWeight w = in_bytes({16, 32});
  std::vector<float> weight = gaussian(512);
  weight[300] = INFINITY;
  w.store(weight);
  EXPECT_TRUE(std::isfinite(w.load()[255]));
  EXPECT_TRUE(std::isnan(w.load()[256]));
}

std::vector<float> identity(std::size_t n) {
  std::vector<float> w(n * n, 0.0F);
  for (std::size_t i = 0; i < n; ++i) w[i * (n + 1)] = 1;
  return w;
}

/// With W0 = I and one side at rest, W is the product of the other's rotations over all intervals.
TEST(PoetProbes, AreThoseOfTheRotationsOfTheWholeRun) {
  for (const Json& form : std::vector<Json>{{{"block_size", 4}},
                                            {{"block_size", 4}, {"cayley", "exact"}},
                                            {{"sampling", "full"}, {"budget", 0.4}, {"neumann_terms", 5}}}) {
    for (const std::size_t side : {0, 1}) {
      ParametrizedWeight w("poet", poet_fields(form), Shape{16, 16});
      w.store(identity(16));
      const auto begun = w.word.measures(w.fields, std::as_const(w).all(), 0);
      for (const char* name : {"probe_left", "probe_right"}) EXPECT_NEAR(begun.at(name), 1.0, 1e-6) << name;
      std::vector<float> product;
      for (int interval = 1; interval <= 4; ++interval) {
        w.randomize(0.8);
        std::ranges::fill(w.coordinates[1 - side].values(), 0.0F);
        product = w.compiled();
        if (interval == 4) break;  // unmerged
        w.word.finish(w.fields, w.all(), 1);
        w.start(7, interval);
        w.store(product);
      }
      const auto v = w.coordinates[4 + side].values().first(16);
      double expected = 0;
      for (std::size_t i = 0; i < 16; ++i)
        for (std::size_t j = 0; j < 16; ++j)
          expected += static_cast<double>(v[i]) * product[i * 16 + j] * v[j];
      const auto found = w.word.measures(w.fields, std::as_const(w).all(), 1);
      EXPECT_NEAR(found.at(side == 0 ? "probe_left" : "probe_right"), expected, 1e-5) << form << side;
      EXPECT_LT(expected, 0.999);
      EXPECT_NEAR(found.at(side == 0 ? "probe_right" : "probe_left"), 1.0, 1e-6);
    }
  }
}

std::map<std::string, double> covered(const Json& form, int steps) {
  ParametrizedWeight w("poet", poet_fields(form), Shape{48, 32});
  for (int step = 1; step < steps; ++step) {
    w.word.finish(w.fields, w.all(), 1);
    w.start(7, step);
  }
  return w.word.measures(w.fields, std::as_const(w).all(), 1);
}

TEST(PoetCoverage, IsEvenUnderBlockSamplingAndUnevenUnderFullSampling) {
  const auto blocks = covered({{"block_size", 8}}, 100);
  EXPECT_EQ(blocks.at("coverage_min"), 200);
  EXPECT_EQ(blocks.at("coverage_mean"), 200);
  EXPECT_EQ(blocks.at("coverage_max"), 200);
  const auto sets = covered({{"sampling", "full"}, {"budget", 0.25}}, 100);
  EXPECT_DOUBLE_EQ(sets.at("coverage_mean"), 50);
  EXPECT_LT(sets.at("coverage_min"), 42);
  EXPECT_GT(sets.at("coverage_max"), 58);
}

}  // namespace
}  // namespace isorbit::experiments
