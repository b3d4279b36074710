// Whatever stops a run, and wherever: it goes on to the bits of a run that never stopped.
#include <chrono>
#include <thread>

#include "core/document/digest.hpp"
#include "core/linalg/linalg.hpp"
#include "core/record/tensor_file.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/lives.hpp"
#include "tests/experiments/same_record.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

constexpr std::int64_t kSteps = 12;

class Resume : public testing::Test {
 protected:
  /// Merges and rescales at 4, 8 and 12, checkpoints at 3, 6 and 9: no event has one of its own.
  Json document(const std::string& method, const Json& training = Json::object(),
                const std::string& model = "llama") const {
    const Json root = core::read_document(methods() / (method + ".json")).root;
    Json constants = Json::object();
    const Json quick{{"merge_every", 4}, {"every", 4},  {"refresh", 3},     {"rank", 4},        {"rewarm", 2},
                     {"warmup", 2},      {"floor", .1}, {"rewarm_over", 3}, {"rewarm_until", 9}};
    for (const auto& [name, value] : quick.items())
      if (root.at("constants").contains(name)) constants[name] = value;
    Json asked{{"steps", kSteps}, {"validate_every", 4}, {"spectra_every", 5}, {"checkpoint_every", 3}};
    asked.update(training);
    return cell_.document(method, constants, asked, model);
  }

  static std::filesystem::path methods() {
    return std::filesystem::path(ISORBIT_SOURCE_DIR) / "experiments" / "methods";
  }

  /// Compares a run of many lives with one of a single life.
  void expect_equal(const Json& document, const std::string& name, const std::filesystem::path& from = {}) {
    Lives whole(cell_, document, "whole-" + name), chain(cell_, document, "chain-" + name);
    whole.request().from = chain.request().from = from;
    expect(whole.to_the_end(), Outcome::complete);
    expect(chain.stopped_after(0), Outcome::stopped);     // before the first step
    expect(chain.stopped_after(2, 2), Outcome::stopped);  // before the first checkpoint of its life
    expect(chain.stopped_after(2), Outcome::stopped);     // in the middle of a merge interval
    expect(chain.stopped_after(4), Outcome::stopped);     // right after a merge or a rescale
    expect(chain.stopped_after(7, 2), Outcome::stopped);  // back to the checkpoint of step 6
    expect(chain.stopped_within(8), Outcome::stopped);    // a merge, not yet validated
    expect(chain.to_the_end(), Outcome::complete);
    EXPECT_EQ(chain.count(), 7U);
    same(whole, chain);
  }

  static void expect(const CellResult& result, Outcome outcome) {
    EXPECT_EQ(result.outcome, outcome) << result.reason;
  }

  static void same(const Lives& a, const Lives& b) {
    EXPECT_EQ(difference(core::read_run(a.last() / "run.h5"), core::read_run(b.last() / "run.h5")), "");
    EXPECT_TRUE(contents(weights_path(a.last())) == contents(weights_path(b.last()))) << "weights";
  }

  SmallCell cell_;
};

TEST_F(Resume, OfEveryMethodAndMixtureEqualsNeverStopping) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(methods()))
    if (entry.path().extension() == ".json")
      names.push_back(entry.path().lexically_relative(methods()).replace_extension().string());
  EXPECT_GE(names.size(), 24U);
  core::use_one_blas_thread();  // a setting of the process: not while another cell is at work
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < names.size(); i = next++) {
      SCOPED_TRACE(names[i]);
      const bool normalizes = names[i].ends_with("qknorm");
      try {
        expect_equal(document(names[i], Json::object(), normalizes ? "llama_qknorm" : "llama"), names[i]);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    }
  };
  const std::jthread one(work), two(work);
}

TEST_F(Resume, EqualsNeverStoppingWhereTheModelOrThePrecisionIsAnother) {
  expect_equal(document("wisca", Json::object(), "gpt2"), "gpt2");
  expect_equal(document("poet_bs", {{"dtype", "bf16"}, {"recompute", "full"}}), "bf16");
  expect_equal(document("poet_fs", {{"threads", 2}}), "two");
}

TEST_F(Resume, OfACellThatStartsFromWeightsEqualsNeverStopping) {
  Lives first(cell_, document("adamw"), "first");
  expect(first.to_the_end(), Outcome::complete);
  const std::filesystem::path from = weights_path(first.last());
  Json after = document("lora_only");
  after["from"] = {{"sha256", core::sha256_file(from)}, {"x-file", from.string()}};
  expect_equal(after, "after", from);
}

TEST_F(Resume, WaitsForTheUpdateOfAccumulatedBatches) {
  expect_equal(document("poet_bs", {{"accumulate", 3}}), "accumulate");
}

TEST_F(Resume, KeepsRatesThatStandForFactors) {
  Json d = document("wisca");
  Json& event = d["method"]["events"][0];
  event["pairs"] = {"*"};
  event["apply"] = "rates";
  for (const char* granularity : {"tensor", "channel"}) {
    event["granularity"] = granularity;
    expect_equal(d, granularity);
    const auto run =
        core::read_run(cell_.path() / ("whole-" + std::string(granularity)) / "attempt-0001" / "run.h5");
    const auto& kinds = run.at("event").at("kind").texts();
    EXPECT_EQ(std::ranges::count(kinds, "rescale_rates"), static_cast<std::ptrdiff_t>(kinds.size()));
  }
}

TEST_F(Resume, AtTheLastStepOwesOnlyItsValidation) {
  const Json d = document("wisca");
  Lives whole(cell_, d, "whole"), chain(cell_, d, "chain");
  expect(whole.to_the_end(), Outcome::complete);
  expect(chain.stopped_within(kSteps), Outcome::stopped);
  EXPECT_FALSE(std::filesystem::exists(chain.last() / "run.h5"));
  expect(chain.to_the_end(), Outcome::complete);
  same(whole, chain);
}

TEST_F(Resume, GoesOnInTheMiddleOfAValidation) {
  const SmallCell cell;
  cell.folder().write("data/toy/valid.txt", made_text(100000, 2));
  const Json d = document("adamw", {{"valid_targets", 100000}, {"steps", 4}});
  Lives whole(cell, d, "whole"), chain(cell, d, "chain");
  expect(whole.to_the_end(), Outcome::complete);
  CellRequest request = chain.next();
  std::jthread stopper;
  request.link = [&](const ReplayLink& link) {
    if (link.step == 4)
      stopper = std::jthread([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        chain.stop() = 1;
      });
  };
  expect(run_cell(request), Outcome::stopped);
  stopper.join();
  const auto checkpoint = core::read_tensors(chain.last() / "checkpoint.safetensors");
  EXPECT_GT(Json::parse(checkpoint.metadata.at("owed")).at("batches"), 0) << "the test was too slow";
  expect(chain.to_the_end(), Outcome::complete);
  same(whole, chain);
}

TEST_F(Resume, AccumulatedBatchesAreOneBatchOfAllOfThem) {
  const auto losses = [&](const char* name, const Json& training) {
    Lives run(cell_, document("adamw", training), name);
    expect(run.to_the_end(), Outcome::complete);
    return core::read_run(run.last() / "run.h5");
  };
  const core::RunRecord parts = losses("parts", {{"accumulate", 4}, {"batch", 2}}),
                        whole = losses("whole", {{"batch", 8}}), less = losses("less", {{"batch", 2}});
  const auto loss = [](const core::RunRecord& run) { return run.at("train").at("loss").doubles(); };
  for (std::size_t s = 0; s < kSteps; ++s) {
    EXPECT_NEAR(loss(parts)[s], loss(whole)[s], 2e-5 * loss(whole)[s]) << "step " << s + 1;
    EXPECT_NE(loss(parts)[s], loss(less)[s]);
  }
  EXPECT_EQ(parts.at("train").at("tokens").integers(), whole.at("train").at("tokens").integers());
  EXPECT_EQ(cell_id(document("adamw"), "x"), cell_id(document("adamw", {{"accumulate", 1}}), "x"));
  EXPECT_NE(cell_id(document("adamw"), "x"), cell_id(document("adamw", {{"accumulate", 2}}), "x"));
}

}  // namespace
}  // namespace isorbit::experiments
