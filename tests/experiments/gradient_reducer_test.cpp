// Gradients over ranks: the mean, whatever the order they are finished in, and before the pass has ended.
#include "experiments/distributed/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "core/runtime/final_outputs.hpp"
#include "experiments/training/cell_setup.hpp"
#include "experiments/training/compute.hpp"
#include "experiments/training/learner.hpp"
#include "tests/experiments/small_cell.hpp"
#include "tests/experiments/thread_ranks.hpp"

namespace isorbit::experiments {
namespace {

/// Gradients that are garbage until their step.
struct Pass {
  std::vector<std::size_t> final_before{3, 1, 0, 2, 3};
  std::vector<std::vector<float>> gradients{std::vector<float>(5), std::vector<float>(300),
                                            std::vector<float>(0), std::vector<float>(64),
                                            std::vector<float>(1)};

  std::vector<GradientReducer::Source> sources() const {
    std::vector<GradientReducer::Source> out;
    for (std::size_t i = 0; i < gradients.size(); ++i) out.push_back({gradients[i], final_before[i]});
    return out;
  }
  static float value(int rank, int pass, std::size_t i, std::size_t k) {
    return static_cast<float>(rank * 3 + pass) + static_cast<float>(i * 1000 + k) / 8;
  }
  double run(GradientReducer& reducer, int rank, int pass) {
    for (std::vector<float>& g : gradients) std::ranges::fill(g, NAN);
    for (std::size_t step = 0; step <= 3; ++step) {
      for (std::size_t i = 0; i < gradients.size(); ++i)
        for (std::size_t k = 0; final_before[i] == step && k < gradients[i].size(); ++k)
          gradients[i][k] = value(rank, pass, i, k);
      if (step < 3) reducer.reached(step);
    }
    return reducer.finish();
  }
};

TEST(GradientReducer, GivesTheMeanOfEveryElementInEveryPass) {
  for (const std::size_t bucket : {std::size_t{1}, std::size_t{64}, std::size_t{1000}})
    on_ranks(2, [&](Communicator& ranks) {
      Pass pass;
      GradientReducer reducer(ranks, pass.sources(), bucket);
      EXPECT_EQ(reducer.buckets(), (370 + bucket - 1) / bucket);
      EXPECT_EQ(reducer.bytes(), 370 * sizeof(float));
      for (int p = 0; p < 3; ++p) {
        EXPECT_GE(pass.run(reducer, ranks.rank(), p), 0.0);
        for (std::size_t i = 0; i < pass.gradients.size(); ++i) {
          ASSERT_EQ(reducer.values()[i].size(), pass.gradients[i].size());
          for (std::size_t k = 0; k < pass.gradients[i].size(); ++k)
            ASSERT_EQ(reducer.values()[i][k], (Pass::value(0, p, i, k) + Pass::value(1, p, i, k)) / 2)
                << bucket << " " << i << " " << k;
        }
      }
    });
}

/// Counts what is reduced; may fail.
class Counting final : public Communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 2; }
  [[nodiscard]] std::string all_reduce_text() const override { return "counted"; }
  void all_reduce(std::span<float> values) override {
    if (fails) throw std::runtime_error("the wire is cut");
    seen += values.size();
  }
  void all_gather(std::span<const std::byte>, std::span<std::byte>) override {}
  void broadcast(std::span<std::byte>, int) override {}
  std::atomic<std::size_t> seen = 0;
  bool fails = false;
};

TEST(GradientReducer, ReducesABucketWhileThePassStillRuns) {
  Counting ranks;
  Pass pass;
  GradientReducer reducer(ranks, pass.sources(), 100);
  reducer.reached(0);
  reducer.reached(1);  // 300 elements: three buckets
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (ranks.seen < 300 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
  EXPECT_EQ(ranks.seen, 300U);
  (void)reducer.finish();
  EXPECT_EQ(ranks.seen, 370U);
}

TEST(GradientReducer, ThrowsWhatItsThreadMet) {
  Counting ranks;
  ranks.fails = true;
  Pass pass;
  GradientReducer reducer(ranks, pass.sources());
  EXPECT_EQ(message_of<std::runtime_error>([&] { (void)reducer.finish(); }), "the wire is cut");
  ranks.fails = false;
  (void)reducer.finish();
  EXPECT_EQ(ranks.seen, 370U);
}

TEST(GradientReducer, LayoutsDifferWhereSizesOrderOrCutsDo) {
  SingleRank alone;
  Pass pass, other;
  std::swap(other.final_before[0], other.final_before[1]);
  const auto layout = [&](const Pass& p, std::size_t bucket) {
    return GradientReducer(alone, p.sources(), bucket).layout();
  };
  EXPECT_EQ(layout(pass, 64), layout(Pass(), 64));
  EXPECT_NE(layout(pass, 64), layout(pass, 128));
  EXPECT_NE(layout(pass, 64), layout(other, 64));
}

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST(FinalOutputs, HoldTheirLastBitsFromTheStepOnThatIsSaidAndRarelyBefore) {
  const SmallCell cell;
  for (const char* method : {"adamw", "poet_bs", "lora"}) {
    const core::Json document = cell.document(method, core::Json::object(), {{"dtype", "bf16"}});
    const CellSetup setup(cell.request(document, "unused"));
    Learner learner(setup.model, setup.method, setup.ops, 5, compute_from(document.at("training")));
    auto& program = const_cast<core::Program&>(learner.program());
    std::vector<std::string> names;
    for (const Trained& t : learner.trained()) names.push_back("gradient/" + t.name);
    const std::vector<std::size_t> finals = core::final_before(program, names);
    std::vector<std::vector<float>> early(names.size()), at(names.size());
    for (std::int64_t step = 0; step < 2; ++step) {
      setup.source->train_batch(5, step, learner.train_inputs());
      (void)learner.backward([&](std::size_t reached) {
        for (std::size_t i = 0; i < names.size(); ++i) {
          if (reached + 1 == finals[i]) early[i] = copy_of(program.output(names[i]));
          if (reached == finals[i]) at[i] = copy_of(program.output(names[i]));
        }
      });
    }
    std::size_t differ = 0, before_the_end = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(at[i], copy_of(program.output(names[i]))) << method << " " << names[i];
      differ += early[i] != at[i] ? 1U : 0U;
      before_the_end += finals[i] < program.steps().size() ? 1U : 0U;
    }
    EXPECT_GT(2 * differ, names.size()) << method;
    EXPECT_GE(before_the_end + 4, names.size()) << method;
    EXPECT_THROW((void)core::final_before(program, {"gradient/nothing"}), std::out_of_range);
  }
}

}  // namespace
}  // namespace isorbit::experiments
