// A sweep on a real Slurm of two virtual nodes, with what happens on clusters: a task is killed, a node is
// lost while its task lives on, a task is warned of its time limit.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <future>

#include "core/document/json_file.hpp"
#include "experiments/distributed/mpi_ranks.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/status.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_sweep.hpp"
#include "tests/slurm/cluster.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kSettings =
    " training.threads=1 training.steps=6000 training.checkpoint_every=500 training.validate_every=3000 "
    "training.spectra_every=3000 ";

/// An attempt at work: its process has rows in its journal and holds its lease.
struct AtWork {
  fs::path attempt;
  pid_t pid = 0;
  std::string job;
};

std::vector<AtWork> at_work(const fs::path& folder) {
  std::vector<AtWork> out;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename() != "checkpoint.safetensors") continue;
    const fs::path attempt = entry->path().parent_path();
    if (fs::exists(attempt / "result.json")) continue;
    try {
      const core::Json lease = core::read_document(attempt / "lease").root;
      const pid_t pid = lease.at("pid").get<pid_t>();
      if (!lease.at("ended").get<bool>() && ::kill(pid, 0) == 0)
        out.push_back({attempt, pid, lease.at("job").get<std::string>()});
    } catch (const std::exception&) {  // it ends just now
    }
  }
  return out;
}

class SweepOnCluster : public testing::Test {
 protected:
  void SetUp() override {
    if (!Cluster::is_possible())
      GTEST_SKIP() << "there is no Slurm on this machine; third_party/install.sh --slurm installs it";
    fs::permissions(small_.path(), fs::perms(0755));
  }
  void TearDown() override {
    if (!HasFailure() || !fs::exists(folder_ / "slurm/log")) return;
    for (const auto& log : fs::directory_iterator(folder_ / "slurm/log"))
      std::cerr << "--- " << log.path().filename() << "\n" << contents(log.path());
  }

  Ran submit(const std::string& options) const {
    return run_program(small_.path(), "submit sweep.json --time 10 --partition main -o " +
                                          shell_word(folder_.string()) + kSettings + options);
  }
  bool has_tables() const { return fs::exists(folder_ / "compare.json"); }
  AtWork wait_for_work(const std::string& not_of_job = "none") const {
    std::optional<AtWork> found;
    EXPECT_TRUE(soon(
        [&] {
          for (AtWork& one : at_work(folder_))
            if (one.job != not_of_job && !found) found = std::move(one);
          return found.has_value();
        },
        30s));
    return found.value_or(AtWork{});
  }

  SmallSweep small_;
  fs::path folder_ = small_.path() / "it's a \"run\" of 100%j";
};

TEST_F(SweepOnCluster, CompletesAlthoughATaskAndANodeAreKilled) {
  const Cluster cluster(2);
  const Ran submitted = submit("--tasks 4");
  ASSERT_EQ(submitted.code, 0) << submitted.err;

  const AtWork killed = wait_for_work();
  ASSERT_GT(killed.pid, 0);
  ::kill(killed.pid, SIGKILL);

  const AtWork lost = wait_for_work(killed.job);
  ASSERT_GT(lost.pid, 0);
  const std::vector<std::string> node =
      Cluster::words({"squeue", "--noheader", "--jobs=" + lost.job, "--format=%N"});
  ASSERT_EQ(node.size(), 1U);
  cluster.kill_daemon(node[0]);
  EXPECT_EQ(::kill(lost.pid, 0), 0) << "the task lives on without its node";

  const Ran refused = submit("");
  EXPECT_EQ(refused.code, 2) << "jobs are in the queue";
  EXPECT_HOLDS(refused.err, "found jobs of this sweep in the queue");

  auto undisturbed = std::async(std::launch::async, [&] {
    return run_program(small_.path(), "run sweep.json -q -o local" + std::string(kSettings));
  });
  ASSERT_TRUE(soon([&] { return has_tables(); }, 120s));
  const Ran local = undisturbed.get();
  ASSERT_EQ(local.code, 0) << local.err;
  const Sweep sweep = read_manifest(folder_);
  ASSERT_EQ(sweep.cells.size(), 8U);
  for (const Cell& cell : sweep.cells) {
    ASSERT_EQ(state_of(folder_, cell), CellState::done) << cell.folder;
    EXPECT_EQ(difference(core::read_run(locate(folder_, cell) / "run.h5"),
                         core::read_run(locate(small_.path() / "local", cell) / "run.h5")),
              "")
        << cell.folder;
  }
  EXPECT_TRUE(fs::exists(killed.attempt.parent_path() / "attempt-0002")) << "it went on from the checkpoint";
  EXPECT_EQ(contents(folder_ / "compare.txt"), run_program(small_.path(), "compare local").out);

  const auto jobs = [] {
    return Cluster::words({"squeue", "--noheader", "--states=all", "--format=%i"}).size();
  };
  const std::size_t before = jobs();
  ASSERT_TRUE(soon([] { return Cluster::words({"squeue", "--noheader", "--format=%i"}).empty(); }, 30s));
  const Ran again = submit("");
  EXPECT_EQ(again.code, 0);
  EXPECT_HOLDS(again.err, "8 of 8 cells complete");
  EXPECT_HOLDS(again.err, "nothing to submit");
  EXPECT_EQ(jobs(), before);
}

TEST_F(SweepOnCluster, ATaskThatIsWarnedOfItsTimeLimitGoesOnLater) {
  const Cluster cluster(1);
  ASSERT_EQ(submit("--only arm=poet,seed=0").code, 0);
  const AtWork warned = wait_for_work();
  ASSERT_GT(warned.pid, 0);
  (void)Cluster::words({"scancel", "--batch", "--signal=USR1", warned.job});
  ASSERT_TRUE(soon([&] { return has_tables(); }, 60s));
  EXPECT_TRUE(fs::exists(warned.attempt.parent_path() / "attempt-0002"));
  EXPECT_FALSE(fs::exists(folder_ / "slurm/submission-2")) << "it put itself back";
}

TEST_F(SweepOnCluster, RanksOfOneRunAreSpreadOverTwoNodes) {
  if (!has_mpi() || !has_program("mpirun")) GTEST_SKIP() << "there is no MPI; third_party/install.sh --mpi";
  for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"})
    ::setenv(name, "1", 1);
  const Cluster cluster(2);
  const std::string run =
      " training.ranks=2 training.steps=60 training.checkpoint_every=30 --only arm=poet,seed=0";
  const Ran submitted = submit(run);
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  ASSERT_TRUE(soon([&] { return has_tables(); }, 90s));
  const auto nodes = Cluster::words({"squeue", "--noheader", "--states=all", "--format=%N"});
  EXPECT_EQ(std::ranges::count(nodes, "node[1-2]"), 1) << "a node has one processor";
  const Ran local = run_program(small_.path(), "run sweep.json -q -o local" + (kSettings + run),
                                "mpirun -n 2 --bind-to none --oversubscribe ");
  ASSERT_EQ(local.code, 0) << local.err;
  for (const Cell& cell : read_manifest(folder_).cells) {
    if (cell.arm != "poet" || cell.seed != 0) continue;
    const core::RunRecord record = core::read_run(locate(folder_, cell) / "run.h5");
    EXPECT_EQ(difference(record, core::read_run(locate(small_.path() / "local", cell) / "run.h5")), "");
    EXPECT_EQ(record.provenance.at("ranks"), "2");
  }
}

TEST_F(SweepOnCluster, EndsWithTheProcessThatStartedIt) {
  const pid_t owner = ::fork();
  if (owner == 0) {
    ::pause();
    ::_exit(0);
  }
  const Cluster cluster(1, owner);
  EXPECT_EQ(cluster.daemons(), 3U);
  (void)Cluster::words({"sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 1000"});
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(soon([&] { return cluster.daemons() == 0; }, 20s));
}

}  // namespace
}  // namespace isorbit::experiments
