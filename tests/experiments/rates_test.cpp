// Rates that stand for factors of weights.
#include "experiments/training/rates.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "update_chain.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using testing_support::Chain;

RateRule rule_of(const Json& update) {
  const Json group = {{"parameters", "*"}, {"update", update}};
  static std::vector<Method> kept;
  kept.push_back(read_method({"m", {{"name", "m"}, {"groups", Json::array({group})}}, {}}));
  return rate_rule(kept.back().groups[0].update);
}

Json alias(const char* kind) { return Json::array({{{"kind", kind}, {"learning_rate", 0.1}}}); }

TEST(Rates, FollowFromTheDegreesOfTheWords) {
  EXPECT_EQ(rule_of(alias("adamw")).exponent, -1);
  EXPECT_EQ(rule_of(alias("adamw")).before, 1U) << "before the decay";
  EXPECT_EQ(rule_of(alias("sgd")).exponent, -2);
  EXPECT_EQ(rule_of(alias("muon")).exponent, -1);
  EXPECT_FALSE(rule_of(alias("muon")).elementwise);
  const Json rate = {{"kind", "learning_rate"}, {"value", 0.1}};
  EXPECT_EQ(rule_of(Json::array({{{"kind", "momentum"}}, rate})).exponent, -2);
  EXPECT_EQ(rule_of(Json::array({{{"kind", "lion"}}, rate})).exponent, -1);
  const auto galore = [&](const char* inner) {
    return Json::array(
        {{{"kind", "galore"}, {"rank", 2}, {"update", Json::array({{{"kind", inner}}})}}, rate});
  };
  EXPECT_EQ(rule_of(galore("adam")).exponent, -1);
  EXPECT_EQ(rule_of(galore("momentum")).exponent, -2);
  const Json decay = {{"kind", "weight_decay"}, {"rate", 0.1}};
  EXPECT_NE(rule_of(Json::array({decay, {{"kind", "momentum"}}, rate})).obstacle, "");
  EXPECT_EQ(rule_of(Json::array({decay, rate})).obstacle, "");
}

/// A word's direction under gradients s times as large is s^degree times as large, but for what it adds of
/// the tensor.
TEST(Rates, EveryWordHasTheDegreeItDeclares) {
  constexpr double kScale = 4;
  for (const Update& word : Vocabulary::all().updates) {
    if (word.expand || word.holds_words) continue;
    Json given = testing_support::required(word);
    given["kind"] = word.name;
    if (word.name == "adam") given["epsilon"] = 0;
    Chain plain{std::vector<float>(64), {8, 8}}, scaled = plain;
    plain.add(given);
    scaled.add(given);
    for (std::uint64_t t = 0; t < 4; ++t) {
      plain.tensor.assign(64, 0.0F), scaled.tensor.assign(64, 0.0F);
      plain.update(testing_support::normal(64, 10 + t));
      scaled.update(testing_support::normal(64, 10 + t, kScale));
      for (std::size_t k = 0; k < 64; ++k)
        ASSERT_NEAR(scaled.tensor[k], std::pow(kScale, word.degree) * plain.tensor[k],
                    1e-4 * std::abs(scaled.tensor[k]) + 1e-6)
            << word.name;
    }
    Chain still{std::vector<float>(64, 1.0F), {8, 8}};
    still.add(given);
    still.update(std::vector<float>(64));
    EXPECT_EQ(word.adds_tensor, still.tensor[0] != 1.0F) << word.name;
  }
}

TEST(Rates, MultiplyRowsAndColumnsOfAnyPiece) {
  const core::Shape shape{3, 5};
  Rates rates;
  EXPECT_TRUE(rates.empty());
  rates.scale(shape, 0, std::vector{1.0, 2.0, 4.0}, -2);
  rates.scale(shape, 1, std::vector{1.0, 1.0, 8.0, 1.0, 1.0}, -2);
  rates.scale(shape, 0, std::vector{1.0, 1.0, 0.5}, -2);
  std::vector<float> direction(11, 1.0F);
  rates.multiply(shape, 3, direction);
  for (std::size_t i = 0; i < direction.size(); ++i) {
    const std::size_t row = (i + 3) / 5, column = (i + 3) % 5;
    const double factor = (row == 0 ? 1 : 2) * (column == 2 ? 8 : 1);
    EXPECT_EQ(direction[i], static_cast<float>(1 / (factor * factor))) << i;
  }
  Rates vector;
  vector.scale({4}, 0, std::vector{1.0, 2.0, 3.0, 4.0}, -1);
  std::vector<float> all(4, 12.0F);
  vector.multiply({4}, 0, all);
  EXPECT_EQ(all, (std::vector{12.0F, 6.0F, 12.0F * (1 / 3.0F), 3.0F}));
}

}  // namespace
}  // namespace isorbit::experiments
