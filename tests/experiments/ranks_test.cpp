// A run of several ranks, here threads of one process: the losses of one rank with the same batch, the same
// bits every time, one decision for all, and nobody left waiting when one fails.
#include <gtest/gtest.h>

#include <cmath>

#include "core/linalg/linalg.hpp"
#include "core/record/run_file.hpp"
#include "core/record/tensor_file.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/recorder.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_cell.hpp"
#include "tests/experiments/thread_ranks.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

class Ranks : public testing::Test {
 protected:
  Ranks() { core::use_one_blas_thread(); }

  Json document(const std::string& method, int ranks, Json training = Json::object()) const {
    training.update({{"steps", 12}, {"validate_every", 4}, {"ranks", ranks}});
    return cell_.document(method, Json::object(), training);
  }

  /// By rank. `change` may alter what a rank is asked, and put a communicator of its own around the one
  /// given.
  using Change = std::function<CellResult(Communicator&, CellRequest)>;
  std::vector<CellResult> run(const Json& document, int size, const std::string& name,
                              const Change& change = {},
                              const std::vector<std::filesystem::path>& earlier = {}) const {
    std::vector<CellResult> results(static_cast<std::size_t>(size));
    on_ranks(size, [&](Communicator& ranks) {
      CellRequest request = cell_.request(document, name);
      request.earlier = earlier;
      request.ranks = &ranks;
      results[static_cast<std::size_t>(ranks.rank())] =
          change ? change(ranks, std::move(request)) : run_cell(request);
    });
    return results;
  }

  core::RunRecord record(const Json& document, int size, const std::string& name) const {
    for (const CellResult& result : run(document, size, name))
      EXPECT_EQ(result.outcome, Outcome::complete) << result.reason;
    return core::read_run(Recorder::run_path(cell_.path() / name));
  }

  SmallCell cell_;
};

double worst(const core::RunRecord& a, const core::RunRecord& b, const std::string& series) {
  const std::vector<double> one = a.at(series).at("loss").doubles(),
                            other = b.at(series).at("loss").doubles();
  EXPECT_EQ(one.size(), other.size());
  double most = 0;
  for (std::size_t i = 0; i < one.size(); ++i) most = std::max(most, std::abs(one[i] / other[i] - 1));
  return most;
}

TEST_F(Ranks, GiveTheLossesOfOneRankWithTheSameBatch) {
  for (const std::string method : {"adamw", "poet_bs", "poet_wisca"})
    for (const int accumulate : {1, 2}) {
      const Json training = {{"accumulate", accumulate}};
      const std::string name = method + std::to_string(accumulate);
      const core::RunRecord one = record(document(method, 1, training), 1, name + "-one");
      const core::RunRecord two = record(document(method, 2, training), 2, name + "-two");
      const double train = worst(two, one, "train"), valid = worst(two, one, "valid");
      std::cout << name << ": worst relative difference " << train << ", validation " << valid << "\n";
      EXPECT_LE(train, 1e-5);
      EXPECT_LE(valid, 1e-5);
      EXPECT_EQ(one.at("train").at("tokens").integers(), two.at("train").at("tokens").integers());
    }
  EXPECT_LE(worst(record(document("adamw", 4), 4, "four"), record(document("adamw", 1), 1, "one"), "train"),
            1e-5);
}

TEST_F(Ranks, ValidateOnTheSameWindowsInEveryBatchAndShare) {
  struct Way {
    int batch, ranks, accumulate;
  };
  std::vector<double> losses, bits;
  for (const Way& way :
       {Way{1, 1, 1}, Way{4, 1, 1}, Way{4, 2, 1}, Way{4, 1, 2}, Way{6, 1, 1}, Way{6, 3, 1}, Way{48, 1, 1}}) {
    const Json training = {{"steps", 1},
                           {"valid_targets", 160},
                           {"validate_every", 1},
                           {"ranks", way.ranks},
                           {"accumulate", way.accumulate}};
    const Json document = cell_.document("adamw", Json::object(), training, "llama", {{"batch", way.batch}});
    const core::RunRecord run = record(document, way.ranks, std::to_string(losses.size()));
    losses.push_back(run.at("valid").at("loss").doubles().front());  // before training
    bits.push_back(run.at("valid").at("bits_per_byte").doubles().front());
  }
  for (std::size_t i = 1; i < losses.size(); ++i) {
    EXPECT_NEAR(losses[i] / losses[0], 1, 3e-7) << i;
    EXPECT_NEAR(bits[i] / bits[0], 1, 3e-7) << i;
  }
}

TEST_F(Ranks, GiveTheSameBitsEveryTime) {
  const core::RunRecord first = record(document("poet_bs", 2), 2, "first"),
                        again = record(document("poet_bs", 2), 2, "again");
  EXPECT_EQ(difference(first, again), "");
}

TEST_F(Ranks, AreWrittenInTheRecordWithTheBytesThatCoordinatesSave) {
  const core::RunRecord poet = record(document("poet_bs", 2), 2, "poet"),
                        dense = record(document("adamw", 2), 2, "dense"),
                        alone = record(document("adamw", 1), 1, "alone");
  const auto bytes = [](const core::RunRecord& r, const char* name) {
    return std::stol(r.provenance.at(name));
  };
  EXPECT_EQ(bytes(poet, "ranks"), 2);
  EXPECT_EQ(poet.provenance.at("all_reduce"), "threads, 1 buckets of 2097152 bytes");
  EXPECT_LT(bytes(poet, "reduced_bytes"), bytes(poet, "dense_bytes"));
  EXPECT_EQ(bytes(dense, "reduced_bytes"), bytes(dense, "dense_bytes"));
  EXPECT_EQ(bytes(poet, "dense_bytes"), bytes(dense, "dense_bytes"));
  EXPECT_EQ(alone.provenance.at("ranks"), "1");
  EXPECT_FALSE(alone.provenance.contains("all_reduce"));
}

TEST_F(Ranks, StopTogetherAndGoOnToTheBitsOfARunThatNeverStopped) {
  const Json wanted = document("poet_bs", 2, {{"checkpoint_every", 3}});
  std::vector<std::filesystem::path> lives;
  for (const std::int64_t at : {2, 7}) {
    std::atomic<int> stop = 0;
    const std::string name = "life" + std::to_string(at);
    const auto results = run(
        wanted, 2, name,
        [&](Communicator& ranks, CellRequest request) {
          if (ranks.rank() == 0) {
            request.stop = &stop;
            request.progress = [&](const Progress& progress) { stop = progress.step >= at ? 1 : 0; };
          }
          return run_cell(request);
        },
        lives);
    for (const CellResult& result : results) {
      EXPECT_EQ(result.outcome, Outcome::stopped) << result.reason;
      EXPECT_EQ(result.step, at);
    }
    lives.insert(lives.begin(), cell_.path() / name);
  }
  for (const CellResult& result : run(wanted, 2, "last", {}, lives))
    EXPECT_EQ(result.outcome, Outcome::complete) << result.reason;
  EXPECT_EQ(difference(core::read_run(Recorder::run_path(cell_.path() / "last")), record(wanted, 2, "whole")),
            "");
}

TEST_F(Ranks, FailTogetherWithTheReasonOfTheOneThatFailed) {
  const auto results = run(document("adamw", 2), 2, "lost", [&](Communicator& ranks, CellRequest request) {
    if (ranks.rank() == 1) request.data_dir /= "elsewhere";
    return run_cell(request);
  });
  for (const CellResult& result : results) EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_HOLDS(results[0].reason, "rank 1 of 2: ");
  EXPECT_HOLDS(results[0].reason, "elsewhere");
  EXPECT_HOLDS(contents(cell_.path() / "lost" / "failed.json"), "rank 1 of 2: ");
  const auto full = run(document("adamw", 2), 2, "full", [&](Communicator& ranks, CellRequest request) {
    if (ranks.rank() == 0)
      request.fence = [step = 0]() mutable {
        if (++step == 2) throw std::system_error(ENOSPC, std::generic_category(), "checkpoint");
      };
    return run_cell(request);
  });
  EXPECT_EQ(full[0].kind, FailureKind::disk);
  EXPECT_HOLDS(full[1].reason, "rank 0 of 2: checkpoint: No space left");
}

/// Something happens to the sum of gradients of one update.
class Disturbed final : public Communicator {
 public:
  Disturbed(Communicator& real, int update, std::function<void(std::span<float>)> happens)
      : real_(real), left_(update), happens_(std::move(happens)) {}
  [[nodiscard]] int rank() const override { return real_.rank(); }
  [[nodiscard]] int size() const override { return real_.size(); }
  [[nodiscard]] std::string all_reduce_text() const override { return real_.all_reduce_text(); }
  void all_reduce(std::span<float> values) override {
    real_.all_reduce(values);
    if (--left_ == 0) happens_(values);
  }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    real_.all_gather(mine, all);
  }
  void broadcast(std::span<std::byte> bytes, int from) override { real_.broadcast(bytes, from); }

 private:
  Communicator& real_;
  int left_;
  std::function<void(std::span<float>)> happens_;
};

TEST_F(Ranks, WithWeightsThatDifferFailAndNameStepAndTensor) {
  const auto results = run(document("sgd", 2), 2, "faulty", [&](Communicator& ranks, CellRequest request) {
    Disturbed faulty(ranks, 3, [&](std::span<float> sum) { sum.front() += ranks.rank() == 1 ? 1.0F : 0.0F; });
    request.ranks = &faulty;
    return run_cell(request);
  });
  EXPECT_EQ(results[0].kind, FailureKind::defect);
  EXPECT_HOLDS(results[0].reason, "the ranks' weights differ after step 3: rank 1 has another ");
  EXPECT_HOLDS(results[0].reason, ".weight");
}

TEST_F(Ranks, StopBetweenAnUpdateAndItsEventsAndGoOnToTheSameBits) {
  const Json d = document("wisca", 2, {{"spectra_every", 5}});  // rescales at 5 and 10
  const core::RunRecord whole = record(d, 2, "whole");
  std::atomic<int> stop = 0;
  const auto stopped = run(d, 2, "part", [&](Communicator& ranks, CellRequest request) {
    Disturbed stopping(ranks, 5, [&](std::span<float>) { stop = 1; });
    request.ranks = &stopping;
    request.stop = &stop;
    return run_cell(request);
  });
  for (const CellResult& result : stopped) EXPECT_EQ(result.outcome, Outcome::stopped) << result.reason;
  const core::TensorFile state = core::read_tensors(checkpoint_path(cell_.path() / "part"));
  EXPECT_EQ(state.metadata.at("step"), "5");
  EXPECT_TRUE(Json::parse(state.metadata.at("owed")).at("events").get<bool>());
  for (const CellResult& result : run(d, 2, "rest", {}, {cell_.path() / "part"}))
    EXPECT_EQ(result.outcome, Outcome::complete) << result.reason;
  EXPECT_EQ(difference(whole, core::read_run(Recorder::run_path(cell_.path() / "rest"))), "");
}

TEST_F(Ranks, RefuseABatchTheyCannotShareAndANumberOfThemThatIsAnother) {
  const Json odd = document("adamw", 3);
  EXPECT_EQ(message_of<core::DocumentError>([&] { (void)run(odd, 3, "odd"); }),
            "cell #/training/ranks: found 3; expected a divisor of the batch, 4; because every rank takes as "
            "many rows of it; training.batch=6 could be shared by 3; did you mean 2?");
  EXPECT_HOLDS(
      message_of<core::DocumentError>([&] { (void)run(document("adamw", 2), 1, "few"); }),
      "cell #/training/ranks: found 2; expected 1; because that is how many processes train it here");
}

}  // namespace
}  // namespace isorbit::experiments
