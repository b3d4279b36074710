// The real program under mpirun: two processes train one run. What ranks compute is held by ranks_test.cpp.
#include <gtest/gtest.h>

#include <cmath>

#include "core/record/run_file.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTwo = "mpirun --allow-run-as-root --oversubscribe --bind-to none -n 2 ";
/// Arguments of run; `more` may be options.
std::string sweep(const std::string& only, int steps, int ranks, const std::string& more) {
  return "run sweep.json --only arm=" + only + " --seed 0 --quiet training.validate_every=20 " +
         "training.spectra_every=100 training.checkpoint_every=10 training.threads=1 training.steps=" +
         std::to_string(steps) + " training.ranks=" + std::to_string(ranks) + " " + more;
}

class Distributed : public testing::Test {
 protected:
  void SetUp() override {
    static const bool has_mpirun = std::system("mpirun --version > /dev/null 2>&1") == 0;
    if (!has_mpirun) GTEST_SKIP() << "there is no mpirun: third_party/install.sh --mpi installs it";
    static const Ran tried = run("OMPI_COMM_WORLD_SIZE=2 timeout 60 ", "retry");
    if (holds(tried.err, "knows no MPI"))
      GTEST_SKIP() << "this build knows no MPI: configure and build again after third_party/install.sh --mpi";
  }

  Ran run(const std::string& before, const std::string& arguments) const {
    return run_program(sweep_.path(), arguments, before);
  }

  /// What was published, by folder without the cell's id.
  std::map<std::string, core::RunRecord> records(const std::string& folder) const {
    std::map<std::string, core::RunRecord> out;
    for (const auto& entry : fs::recursive_directory_iterator(sweep_.path() / folder)) {
      const fs::path cell = entry.path().parent_path();
      const std::string name = (cell.parent_path().filename() / cell.filename()).string();
      if (entry.path().filename() == "run.h5" && fs::exists(cell / "done.json"))
        out.emplace(name.substr(0, name.rfind('-')), core::read_run(entry.path()));
    }
    return out;
  }

  SmallSweep sweep_;
};

TEST_F(Distributed, TwoRanksGiveTheLossesOfOneAndTheSameBitsTwice) {
  const Ran one = run("", sweep("adamw,poet", 20, 1, "--output one"));
  ASSERT_EQ(one.code, 0) << one.err;
  for (const std::string folder : {"two", "again"}) {
    const Ran two = run(kTwo, sweep("adamw,poet", 20, 2, "--output " + folder));
    ASSERT_EQ(two.code, 0) << two.err;
  }
  const auto alone = records("one"), both = records("two"), again = records("again");
  ASSERT_EQ(alone.size(), 3U);
  for (const auto& [name, record] : alone) {
    const core::RunRecord& other = both.at(name);
    EXPECT_EQ(difference(other, again.at(name)), "") << name;
    double most = 0;
    for (const char* series : {"train", "valid"}) {
      const auto expected = record.at(series).at("loss").doubles(),
                 got = other.at(series).at("loss").doubles();
      ASSERT_EQ(expected.size(), got.size());
      for (std::size_t i = 0; i < got.size(); ++i) most = std::max(most, std::abs(got[i] / expected[i] - 1));
    }
    std::cout << name << ": worst relative difference of two ranks to one " << most << "\n";
    EXPECT_LE(most, 1e-5) << name;
    EXPECT_EQ(other.provenance.at("ranks"), "2");
    EXPECT_HOLDS(other.provenance.at("all_reduce"), "Open MPI 4");
    EXPECT_HOLDS(other.provenance.at("all_reduce"), ", ring, ");
  }
}

TEST_F(Distributed, AKilledRankEndsAllAndTheNextRunGoesOnToTheSameBits) {
  ASSERT_EQ(run(kTwo, sweep("poet", 60, 2, "--output whole")).code, 0);
  const std::string killed =
      "sh -c '" + std::string(kTwo) +
      "\"$0\" \"$@\" & m=$!; until ls killed/poet/*/attempt-0001/checkpoint.safetensors > /dev/null 2>&1; "
      "do sleep 0.01; done; kill -9 $(pgrep -P $m -n isorbit); wait $m' ";
  EXPECT_EQ(run(killed, sweep("poet", 60, 2, "--output killed")).code, 137);
  EXPECT_TRUE(records("killed").empty());
  const Ran rest = run(kTwo, sweep("poet", 60, 2, "--output killed"));
  ASSERT_EQ(rest.code, 0) << rest.err;
  ASSERT_EQ(records("killed").size(), 1U);
  const core::RunRecord after = records("killed").begin()->second;
  EXPECT_EQ(difference(after, records("whole").begin()->second), "");
  EXPECT_GE(after.at("segment").at("resumed_from").integers().back(), 10);
}

TEST_F(Distributed, AReplayOnAsManyRanksIsTheSameAndOnAnotherNumberSaysSo) {
  ASSERT_EQ(run(kTwo, sweep("poet", 20, 2, "--output r")).code, 0);
  const std::string verify = "replay r/poet/*/run.h5 --verify --data data";
  const Ran two = run(kTwo, verify);
  EXPECT_EQ(two.code, 0) << two.out << two.err;
  EXPECT_HOLDS(two.out, "same to the last bit: 20 steps");
  const Ran one = run("", verify);
  EXPECT_EQ(one.code, 0) << one.out << one.err;
  EXPECT_HOLDS(one.out, "as it was recorded: mpirun -n 2 isorbit replay");
  EXPECT_HOLDS(one.out, "environment differs: ranks recorded 2, here 1");
}

TEST_F(Distributed, WhatIsWrongIsSaidOnceBeforeAnythingStarts) {
  const Ran other = run(kTwo, sweep("poet", 20, 1, ""));
  EXPECT_EQ(other.code, 2);
  EXPECT_HOLDS(other.err,
               "isorbit: found training.ranks=1, of poet seed 0; expected 2, the processes started; try "
               "training.ranks=2\n");
  EXPECT_EQ(other.err.find("isorbit: found"), other.err.rfind("isorbit: found"));
  const Ran jobs = run(kTwo, sweep("poet", 20, 2, "--jobs 2"));
  EXPECT_EQ(jobs.code, 2);
  EXPECT_HOLDS(jobs.err, "found --jobs 2 with 2 ranks; expected 1: ranks train one cell at a time");
}

}  // namespace
}  // namespace isorbit::experiments
