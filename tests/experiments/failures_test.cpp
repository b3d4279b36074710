// What goes wrong in a cell is its own: it is sorted, kept and told; the others go on; nothing acknowledged
// is lost.
#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <system_error>

#include "core/record/journal.hpp"
#include "experiments/data/data_error.hpp"
#include "experiments/sweep/runner.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/failure.hpp"
#include "tests/experiments/child_program.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

TEST(Failure, IsSortedByWhatCanBeDone) {
  using Kind = FailureKind;
  EXPECT_EQ(failure_of(std::bad_alloc()).kind, Kind::memory);
  EXPECT_EQ(failure_of(dnnl::error(dnnl_out_of_memory, "could not create a primitive")).kind, Kind::memory);
  EXPECT_EQ(failure_of(dnnl::error(dnnl_runtime_error, "no")).kind, Kind::internal);
  EXPECT_EQ(failure_of(std::system_error(ENOSPC, std::generic_category(), "f")).kind, Kind::disk);
  EXPECT_EQ(failure_of(std::runtime_error("run.h5: cannot flush (errno = 28, No space left on device)")).kind,
            Kind::disk);
  EXPECT_EQ(failure_of(DataError("gone")).kind, Kind::data);
  EXPECT_EQ(failure_of(core::DocumentError({})).kind, Kind::document);
  EXPECT_EQ(failure_of(Diverged("nan")).kind, Kind::diverged);
  EXPECT_EQ(failure_of(BrokenInvariant("moved")).kind, Kind::defect);
  EXPECT_EQ(failure_of(std::logic_error("a bug")).kind, Kind::internal);
  for (const Kind kind : {Kind::diverged, Kind::defect, Kind::document}) EXPECT_TRUE(repeats(kind));
  for (const Kind kind : {Kind::data, Kind::disk, Kind::memory, Kind::source, Kind::internal})
    EXPECT_FALSE(repeats(kind));
}

TEST(Failure, IsReadBackAsItWasWrittenAndADamagedFileIsSaid) {
  const TemporaryFolder folder;
  EXPECT_FALSE(read_failure(folder.path()));
  write_failure(folder.path() / "a", {FailureKind::disk, "full\n\"\xff", 7});
  const std::optional<Failure> read = read_failure(folder.path() / "a");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, FailureKind::disk);
  EXPECT_EQ(read->step, 7);
  EXPECT_HOLDS(read->reason, "full\n\"");
  folder.write("b/failed.json", "{\"kind\": 3");
  EXPECT_HOLDS(read_failure(folder.path() / "b")->reason, "cannot be read");
}

/// The newest file of a name under a folder.
fs::path newest(const fs::path& folder, const std::string& name) {
  fs::path found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().filename() == name && entry.path() > found) found = entry.path();
  return found;
}

std::size_t rows_in(const fs::path& folder) {
  const fs::path journal = newest(folder, "journal.log");
  std::size_t rows = 0;
  if (!journal.empty())
    for (const Json& row : core::Journal::read(journal).rows) rows += row.at("t") == "train" ? 1 : 0;
  return rows;
}

class FailingSweep : public testing::Test {
 protected:
  Ran run(const std::string& arguments) const { return run_program(small_.path(), arguments); }
  SmallSweep small_;
};

TEST_F(FailingSweep, LeavesWhatDivergedToARetryAndTheOthersGoOn) {
  const std::string sweep = " sweep.json method.learning_rate=1e-3,1e30 --only seed=0,arm=adamw,poet -o out";
  const Ran first = run("run" + sweep);
  EXPECT_EQ(first.code, 1);
  EXPECT_HOLDS(first.err, "2 of 4 cells complete, 2 failed in out");
  const Ran second = run("run" + sweep);
  EXPECT_EQ(second.code, 1);
  EXPECT_HOLDS(
      second.err,
      "2 of 4 cells complete, 2 left that failed before in out; isorbit retry SWEEP --failed runs again "
      "what failed\n");
  const Ran status = run("status out --json --only learning_rate=1e30");
  EXPECT_HOLDS(status.out, "\"kind\":\"diverged\"");
  EXPECT_HOLDS(run("status out").out, "diverged: the ");
  const Ran again = run("retry" + sweep + " --failed --only arm=adamw");
  EXPECT_EQ(again.code, 1);
  EXPECT_HOLDS(again.err, "not finite");
  EXPECT_EQ(run("retry" + sweep).code, 2);
}

TEST_F(FailingSweep, FailFastStopsTheSweepWithTheStatesOfTheOthersSaved) {
  const std::string sweep =
      "run sweep.json training.threads=1 --fail-fast --only arm=adamw,seed=0 method.learning_rate=";
  const Ran one = run(sweep + "1e30,1e-3 -o one");
  EXPECT_EQ(one.code, 1) << one.err;
  EXPECT_HOLDS(one.err, "0 of 2 cells complete, 1 failed, 1 left in one");
  EXPECT_EQ(
      run("run sweep.json training.threads=1 --only arm=adamw,seed=0 method.learning_rate=1e30,1e-3 -o one")
          .code,
      1);
  EXPECT_HOLDS(run("status one").out, "1 done 1 failed");
  const Ran two = run(sweep + "1e-3,1e30 training.steps=20000 -o two --jobs 2");
  if (two.code == 2) GTEST_SKIP() << two.err;  // one processor
  EXPECT_EQ(two.code, 1) << two.err;
  EXPECT_HOLDS(two.err, "0 of 2 cells complete, 1 failed, 1 left in two");
  EXPECT_HOLDS(run("status two").out, "1 failed 10 planned 1 stopped");
  EXPECT_FALSE(newest(small_.path() / "two", "checkpoint.safetensors").empty());
}

TEST_F(FailingSweep, DataCutShortUnderItAreNamedAndNoRowIsLost) {
  const fs::path text = small_.path() / "data" / "prose" / "train.txt";
  const std::string
      whole = contents(text),
      cell = "run sweep.json training.steps=1000 --only arm=adamw,seed=0,learning_rate=0.001 -o out";
  ChildProgram child(small_.path(), {"run", "sweep.json", "training.steps=1000", "--only",
                                     "arm=adamw,seed=0,learning_rate=0.001", "-o", "out"});
  ASSERT_TRUE(child.wait_for_rows(small_.path() / "out"));
  fs::resize_file(text, 100);
  ASSERT_EQ(child.wait(), 1) << child.err();
  EXPECT_HOLDS(child.err(), "train.txt: shrank from " + std::to_string(whole.size()) + " to 100 bytes");
  EXPECT_HOLDS(run("status out --only arm=adamw,seed=0,learning_rate=0.001").out, "data: ");
  EXPECT_GT(rows_in(small_.path() / "out"), 10U);

  std::string other = whole;
  other[5] ^= 1;
  std::ofstream(text, std::ios::binary) << other;
  const Ran refused = run(cell);
  EXPECT_EQ(refused.code, 2);
  EXPECT_HOLDS(refused.err, "which the sweep was begun with");
  EXPECT_HOLDS(refused.err, "put the old files back");
  std::ofstream(text, std::ios::binary) << whole;
  EXPECT_EQ(run(cell).code, 0);
}

TEST_F(FailingSweep, AFullDiskFailsItsCellsAndARoomierOneFinishesThem) {
  if (run_program(small_.path(), "--version", "unshare -rm ").code != 0)
    GTEST_SKIP() << "this machine lets nobody mount a file system of a test's own";
  fs::create_directory(small_.path() / "out");
  fs::create_directory(small_.path() / "kept");
  const std::string cells =
      " run sweep.json training.steps=40 training.checkpoint_every=10 --only arm=adamw,poet,seed=0 ";
  std::ofstream(small_.path() / "script.sh")
      << "mount -t tmpfs -o size=200k none out || exit 9; \"$1\"" + cells +
             "-o out; echo first $?; cp -r out kept; mount -o remount,size=64m out; \"$1\"" + cells +
             "-o out; echo second $?";
  const Ran ran = run_program(small_.path(), "", "unshare -rm sh script.sh ");
  if (ran.code == 9) GTEST_SKIP() << "no tmpfs can be mounted: " << ran.err;
  EXPECT_HOLDS(ran.err, "No space left on device");
  EXPECT_HOLDS(ran.out, "first 1");
  EXPECT_HOLDS(ran.out, "second 0") << ran.err;
  EXPECT_GT(rows_in(small_.path() / "kept"), 0U);
}

TEST_F(FailingSweep, TooLittleMemoryFailsTheCellThatWantsMoreAndNoOther) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes more address space than the test allows";
#endif
  const Ran ran = run_program(small_.path(),
                              "run sweep.json model.width=32,20000 --memory 640G "
                              "--only arm=adamw,seed=0,learning_rate=0.001 -o out",
                              "ulimit -v 1500000; ");
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_HOLDS(ran.err, "1 of 2 cells complete, 1 failed");
  EXPECT_HOLDS(ran.err, "out of memory");
  EXPECT_HOLDS(run("status out --json").out, "\"kind\":\"memory\"");
}

TEST_F(FailingSweep, ACellRefusesDataThatChangedSinceItWasPlanned) {
  const Sweep sweep = small_.read();
  std::ofstream(small_.path() / "data" / "prose" / "train.txt", std::ios::app) << "more";
  RunRequest request;
  request.folder = small_.path() / "runs";
  request.data_dir = small_.path() / "data";
  RunObserver silent;
  const RunSummary summary = run_cells(std::span(sweep.cells).first(1), request, silent);
  EXPECT_EQ(summary.failed, 1U);
  const std::optional<Failure> failure =
      read_failure(attempts_in(request.folder / sweep.cells[0].folder).front().folder);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, FailureKind::data);
  EXPECT_HOLDS(failure->reason, "has changed since the cell");
}

TEST_F(FailingSweep, NoCellStartsThatCouldNotSaveItsStateInTime) {
  const Sweep sweep = small_.read();
  RunRequest request;
  request.folder = small_.path() / "runs";
  const TimeLimit limit(100);
  request.limit = &limit;
  std::size_t ran = 0;
  request.run = [&](const CellRequest&) {
    CellResult result{Outcome::failed, "no", 0, 0};
    result.least_seconds = ++ran < 3 ? 10 : 1000;
    return result;
  };
  RunObserver silent;
  const RunSummary summary = run_cells(sweep.cells, request, silent);
  EXPECT_EQ(ran, 3U);
  EXPECT_EQ(summary.left, sweep.cells.size() - 3);
  EXPECT_EQ(summary.exit_code(), 75);
}

}  // namespace
}  // namespace isorbit::experiments
