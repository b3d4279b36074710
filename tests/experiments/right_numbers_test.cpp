// Whole training runs against an independent implementation's losses, recorded by
// tests/reference/torch_reference.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iostream>

#include "core/random/philox.hpp"
#include "experiments/training/learner.hpp"
#include "experiments/training/learner_scope.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

constexpr std::uint64_t kSeed = 3;
constexpr std::int64_t kSteps = 50;

const std::string kAdamW = R"({
  "constants": { "peak": 3e-3 },
  "name": "adamw", "clip_norm": 1.0,
  "groups": [ { "parameters": "*", "update": [
    { "kind": "adam", "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8 }, { "kind": "weight_decay", "rate": 0.1 },
    { "kind": "learning_rate", "value": { "schedule": "cosine", "peak": "peak", "warmup": 10, "floor": 0.1 } } ] } ] })";

/// A method of two groups: the layers' matrices, and the rest under Adam.
std::string on_matrices(const std::string& name, const std::string& matrices) {
  return R"({ "name": ")" + name + R"(", "clip_norm": 1.0, "groups": [
    { "parameters": "layers.*.{attn,mlp}.*.weight", )" +
         matrices + R"( },
    { "parameters": "*", "update": [ { "kind": "adam", "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8 },
        { "kind": "learning_rate", "value": { "schedule": "cosine", "peak": 1e-3, "warmup": 10, "floor": 0.1 } } ] } ] })";
}

std::string poet(const std::string& sampling) {
  return on_matrices("poet", R"(
      "parametrization": { "kind": "poet", "neumann_terms": 3, "init": "model", )" +
                                 sampling + R"( },
      "update": [ { "kind": "adam", "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8 },
        { "kind": "learning_rate", "value": { "schedule": "cosine", "peak": 2e-3, "warmup": 10, "floor": 0.1 } } ],
      "events": [ { "kind": "merge", "every": 20, "moments": "reset" } ])");
}

const std::string kPoetBs = poet(R"("sampling": "block", "block_size": 32)"),
                  kPoetFs = poet(R"("sampling": "full", "budget": 0.5)");

const std::string kMuon = on_matrices("muon", R"("update": [ { "kind": "muon", "weight_decay": 0.1,
    "learning_rate": { "schedule": "cosine", "peak": 0.02, "warmup": 10, "floor": 0.1 } } ])");

const std::string kGalore = on_matrices("galore", R"("update": [
    { "kind": "galore", "rank": 32, "scale": 0.25, "refresh": 20,
      "update": [ { "kind": "adam", "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8 } ] },
    { "kind": "learning_rate", "value": { "schedule": "cosine", "peak": 1e-2, "warmup": 10, "floor": 0.1 } } ])");

/// The batch of torch_reference.py: x0 = floor(V u0), x(i+1) = (5 x(i) + 17 + floor(3 u)) mod V, V = 64.
void fill_batch(const core::Model& model, const BatchBuffers& buffers, std::int64_t step) {
  const core::ModelInput& tokens = model.inputs.front();
  const std::int64_t rows = tokens.type.shape[0], seq = tokens.type.shape[1],
                     vocab = std::min<std::int64_t>(tokens.below, 64);
  const core::Philox random(kSeed, core::stream_of("reference tokens"), static_cast<std::uint64_t>(step));
  const auto x = std::get<std::span<std::int32_t>>(buffers.at("tokens"));
  const auto y = std::get<std::span<std::int32_t>>(buffers.at("targets"));
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto u = [&](std::int64_t i) {
      return random.uniform(static_cast<std::uint64_t>(r * (seq + 1) + i));
    };
    auto value = static_cast<std::int64_t>(static_cast<double>(vocab) * u(0));
    for (std::int64_t i = 0; i < seq; ++i) {
      x[static_cast<std::size_t>(r * seq + i)] = static_cast<std::int32_t>(value);
      value = (5 * value + 17 + static_cast<std::int64_t>(3 * u(i + 1))) % vocab;
      y[static_cast<std::size_t>(r * seq + i)] = static_cast<std::int32_t>(value);
    }
  }
}

std::vector<double> recorded_losses(const std::string& name) {
  std::ifstream file(std::string(ISORBIT_SOURCE_DIR) + "/tests/reference/recorded/" + name + ".json");
  return Json::parse(file).at("losses").get<std::vector<double>>();
}

std::vector<double> our_losses(const std::string& size, const std::string& method_text, const Json& constants,
                               core::DType precision) {
  const core::OpSet ops(ops::registered());
  const core::Document document =
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/llama.json");
  const core::Model model = core::read_model(document, ops, size);
  const Method method = read_method(core::parse_document(method_text, "method.json"), constants);
  Learner learner(model, method, ops, kSeed, {2, precision});
  std::vector<double> losses;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    fill_batch(learner.model(), learner.train_inputs(), step);
    losses.push_back(learner.backward());
    learner.update(step, kSteps);
    run_events(
        learner, step + 1, [] {}, [](const EventRow&) {});
  }
  return losses;
}

constexpr double kF32Bound = 1e-3;

/// bf16 keeps 8 bits: an operand is off by at most 2^-9, at random, so a product over K terms by about 2^-9
/// of its root mean square, whatever K. A logit passes some twelve such roundings (residual sums stay f32):
/// about sqrt(12) 2^-9 = 0.7 % of its spread. A loss averages thousands of logits with random signs; what is
/// left is the slightly different path that training takes. Half of 0.7 % is allowed; 0.05 % is what it comes
/// to.
constexpr double kBf16Bound = 3e-3;

void expect_same(const std::string& recorded, const std::string& size, const std::string& method,
                 const Json& constants = Json::object(), core::DType precision = core::DType::f32) {
  const double bound = precision == core::DType::f32 ? kF32Bound : kBf16Bound;
  const std::vector<double> theirs = recorded_losses(recorded),
                            ours = our_losses(size, method, constants, precision);
  ASSERT_EQ(theirs.size(), ours.size());
  double worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    worst = std::max(worst, std::abs(ours[i] - theirs[i]) / theirs[i]);
    EXPECT_NEAR(ours[i], theirs[i], bound * theirs[i]) << "step " << i;
  }
  EXPECT_LT(ours.back(), 0.9 * ours.front())
      << "the run must have learnt something for its losses to mean anything";
  std::cout << recorded << " in " << core::name_of(precision) << ": worst relative difference " << worst
            << "\n";
}

TEST(RightNumbers, AdamWOnMicroFollowsPyTorchForFiftySteps) { expect_same("adamw_micro", "micro", kAdamW); }
TEST(RightNumbers, AdamWOnTinyFollowsPyTorchForFiftySteps) {
  expect_same("adamw_tiny", "tiny", kAdamW, {{"peak", 4e-4}});
}
TEST(RightNumbers, PoetOnMicroFollowsPyTorchAutogradAcrossMerges) {
  expect_same("poet_bs_micro", "micro", kPoetBs);
}
TEST(RightNumbers, PoetOnTinyFollowsPyTorchAutogradAcrossMerges) {
  expect_same("poet_bs_tiny", "tiny", kPoetBs);
}

TEST(RightNumbers, FullySampledPoetFollowsPyTorchAutogradAcrossMerges) {
  expect_same("poet_fs_micro", "micro", kPoetFs);
}
TEST(RightNumbers, MuonFollowsPyTorchForFiftySteps) { expect_same("muon_micro", "micro", kMuon); }
TEST(RightNumbers, GaloreFollowsPyTorchAcrossItsRefreshes) { expect_same("galore_micro", "micro", kGalore); }

class RightNumbersInBf16 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!core::has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16 products";
  }
};

TEST_F(RightNumbersInBf16, AdamWOnMicroFollowsPyTorchInF32) {
  expect_same("adamw_micro", "micro", kAdamW, Json::object(), core::DType::bf16);
}
TEST_F(RightNumbersInBf16, AdamWOnTinyFollowsPyTorchInF32) {
  expect_same("adamw_tiny", "tiny", kAdamW, {{"peak", 4e-4}}, core::DType::bf16);
}
TEST_F(RightNumbersInBf16, PoetOnMicroFollowsPyTorchInF32AcrossMerges) {
  expect_same("poet_bs_micro", "micro", kPoetBs, Json::object(), core::DType::bf16);
}

}  // namespace
}  // namespace isorbit::experiments
