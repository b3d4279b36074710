// The update words against their formulas in double, and the powers their moments declare.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "update_chain.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

using testing_support::Chain;
using testing_support::normal;

TEST(Updates, AdamwFollowsItsFormulaInDouble) {
  constexpr std::size_t kCount = 40000;  // more than one chunk
  constexpr double kRate = 1e-2, kBeta1 = 0.9, kBeta2 = 0.95, kEpsilon = 1e-8, kDecay = 0.1;
  Chain chain{normal(kCount, 1), {200, 200}};
  chain.add({{"kind", "adamw"}, {"learning_rate", kRate}, {"beta2", kBeta2}, {"weight_decay", kDecay}});
  std::vector<double> p(chain.tensor.begin(), chain.tensor.end()), m(kCount), v(kCount);
  for (int t = 1; t <= 20; ++t) {
    const std::vector<float> g = normal(kCount, 100 + static_cast<std::uint64_t>(t));
    chain.update(g);
    for (std::size_t i = 0; i < kCount; ++i) {
      m[i] = kBeta1 * m[i] + (1 - kBeta1) * g[i];
      v[i] = kBeta2 * v[i] + (1 - kBeta2) * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(kBeta1, t)), v_hat = v[i] / (1 - std::pow(kBeta2, t));
      p[i] -= kRate * (m_hat / (std::sqrt(v_hat) + kEpsilon) + kDecay * p[i]);
    }
  }
  for (std::size_t i = 0; i < kCount; ++i) ASSERT_NEAR(chain.tensor[i], p[i], 2e-6) << i;
}

TEST(Updates, TheFirstAdamStepMovesEveryEntryByTheRate) {
  Chain chain{{1, 1, 1}, {3}};
  chain.add({{"kind", "adam"}});
  chain.add({{"kind", "learning_rate"}, {"value", 0.125}});
  chain.update({3.0F, -1e-3F, 0.0F});
  EXPECT_NEAR(chain.tensor[0], 0.875, 1e-6);
  EXPECT_NEAR(chain.tensor[1], 1.125, 1e-5);
  EXPECT_EQ(chain.tensor[2], 1.0F);
}

TEST(Updates, AdamWithoutEpsilonLeavesEntriesWithoutGradientAlone) {
  Chain chain{{1, 1}, {2}};
  chain.add({{"kind", "adam"}, {"epsilon", 0}});
  chain.add({{"kind", "learning_rate"}, {"value", 0.5}});
  chain.update({0.0F, 2.0F});
  EXPECT_EQ(chain.tensor[0], 1.0F);
  EXPECT_NEAR(chain.tensor[1], 0.5F, 1e-6);
  chain.update({std::nanf(""), 2.0F});
  EXPECT_TRUE(std::isnan(chain.tensor[0])) << "a gradient that is no number must not vanish";
}

TEST(Updates, MomentumSumsGradientsAndNesterovLooksAhead) {
  for (const bool nesterov : {false, true}) {
    Chain chain{{0}, {1}};
    chain.add({{"kind", "sgd"}, {"learning_rate", 1.0}, {"beta", 0.5}, {"nesterov", nesterov}});
    chain.update({1});
    chain.update({1});
    // u = 1, 1.5; Nesterov: 1 + 0.5, 1 + 0.75
    EXPECT_FLOAT_EQ(chain.tensor[0], nesterov ? -3.25F : -2.5F);
  }
}

TEST(Updates, SgdWithoutMomentumKeepsNoMoments) {
  Chain chain{{2}, {1}};
  chain.add({{"kind", "sgd"}, {"learning_rate", 0.25}});
  ASSERT_EQ(chain.links.size(), 1U);
  chain.update({4});
  EXPECT_EQ(chain.tensor[0], 1.0F);
}

TEST(Updates, WeightDecayLeavesVectorsAloneUnlessTold) {
  for (const bool matrices_only : {true, false}) {
    for (const core::Shape& shape : {core::Shape{4}, core::Shape{2, 2}}) {
      Chain chain{{1, 1, 1, 1}, shape};
      chain.add({{"kind", "weight_decay"}, {"rate", 0.5}, {"matrices_only", matrices_only}});
      chain.update({0, 0, 0, 0});
      EXPECT_EQ(chain.tensor[0], matrices_only && shape.rank() == 1 ? 1.0F : 0.5F);
    }
  }
}

TEST(Updates, LearningRateAndScaleMultiplyAndFollowTheirSchedules) {
  Chain chain{{0}, {1}};
  chain.add({{"kind", "scale"}, {"factor", 3.0}});
  chain.add({{"kind", "learning_rate"}, {"value", {{"schedule", "linear"}, {"peak", 1.0}, {"warmup", 4}}}});
  chain.update({1});
  EXPECT_FLOAT_EQ(chain.tensor[0], -0.75F);
  chain.update({1});
  EXPECT_FLOAT_EQ(chain.tensor[0], -2.25F);
}

TEST(Updates, TheRateComesBackOverAFewUpdatesAfterTheMomentsWereZeroedInTheRun) {
  Chain chain{{0}, {1}};
  chain.add({{"kind", "learning_rate"}, {"value", 1.0}, {"rewarm", 4}});
  const auto moved = [&] {
    const float before = chain.tensor[0];
    chain.update({1});
    return before - chain.tensor[0];
  };
  EXPECT_EQ(moved(), 1.0F) << "the start of a run is no merge";
  EXPECT_EQ(moved(), 1.0F);
  chain.age = 0;
  EXPECT_FLOAT_EQ(moved(), 0.25F);
  EXPECT_FLOAT_EQ(moved(), 0.5F);
  EXPECT_FLOAT_EQ(moved(), 0.75F);
  EXPECT_EQ(moved(), 1.0F);
  EXPECT_EQ(moved(), 1.0F);
}

TEST(Updates, LionMovesByTheSignOfItsBlendAndKeepsItsMomentByTheOtherBeta) {
  constexpr std::size_t kCount = 3000;
  Chain chain{normal(kCount, 1), {kCount}};
  chain.add({{"kind", "lion"}, {"beta1", 0.9}, {"beta2", 0.99}});
  chain.add({{"kind", "learning_rate"}, {"value", 0.125}});
  std::vector<double> p(chain.tensor.begin(), chain.tensor.end()), m(kCount);
  for (std::uint64_t t = 1; t <= 20; ++t) {
    std::vector<float> g = normal(kCount, 100 + t);
    g[0] = 0;
    chain.update(g);
    for (std::size_t i = 0; i < kCount; ++i) {
      const double blend = 0.9 * m[i] + 0.1 * g[i];
      p[i] -= blend > 0 ? 0.125 : blend < 0 ? -0.125 : 0.0;
      m[i] = 0.99 * m[i] + 0.01 * g[i];
    }
  }
  for (std::size_t i = 0; i < kCount; ++i) ASSERT_NEAR(chain.tensor[i], p[i], 1e-5) << i;
  EXPECT_EQ(chain.tensor[0], static_cast<float>(normal(kCount, 1)[0])) << "sign(0) is 0";
  chain.update(std::vector<float>(kCount, std::nanf("")));
  EXPECT_TRUE(std::isnan(chain.tensor[1])) << "a gradient that is no number must not vanish";
}

/// Law 8: a tensor scaled by s has its gradient scaled by 1 / s and its moment by s^power.
TEST(Updates, EveryMomentScalesByItsDeclaredPower) {
  constexpr float kScale = 4;
  int moments = 0;
  for (const Update& update : Vocabulary::all().updates) {
    if (update.expand) continue;
    Json given = testing_support::required(update);
    given["kind"] = update.name;
    Chain plain{normal(64, 1), {8, 8}}, scaled{normal(64, 1, kScale), {8, 8}};
    plain.add(given);
    scaled.add(given);
    for (std::uint64_t t = 0; t < 5; ++t) {
      plain.update(normal(64, 10 + t));
      scaled.update(normal(64, 10 + t, 1 / kScale));
    }
    for (std::size_t i = 0; i < plain.links[0].moments.size(); ++i) {
      const Moment& moment = plain.links[0].described[i];
      const auto factor = static_cast<float>(std::pow(kScale, moment.power));
      for (std::size_t k = 0; k < plain.links[0].moments[i].size(); ++k)
        ASSERT_FLOAT_EQ(scaled.links[0].moments[i][k], factor * plain.links[0].moments[i][k])
            << update.name << "." << moment.name;
      EXPECT_NE(plain.links[0].moments[i][0], 0.0F) << update.name << "." << moment.name;
      ++moments;
    }
  }
  EXPECT_GE(moments, 7) << "adam's two, momentum's, lion's, and galore's projector with adam's two";
}

}  // namespace
}  // namespace isorbit::experiments
