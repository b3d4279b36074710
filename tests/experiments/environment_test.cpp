// Odd surroundings of the program: what is missing, closed, small or no text there is no reason to lose work.
#include <sys/stat.h>

#include <set>

#include "core/record/run_file.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

const std::string kFew = " training.threads=1 training.steps=2 --seed 0 --only arm=adamw --limit 1";

/// The shell's own exit code of a line in the folder, $P being the program.
int shell(const fs::path& folder, const std::string& line) {
  const std::string command =
      "cd '" + folder.string() + "' && P='" ISORBIT_PROGRAM "' && unset ISORBIT_DATA && { " + line + "; }";
  const int status = std::system(("bash -c '" + command + "'").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

fs::path record_in(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().filename() == "run.h5" && entry.path().parent_path().filename() != "attempt-0001")
      return entry.path();
  return {};
}

TEST(Environment, ClosedDescriptorsGetNothingOfWhatIsWrittenToFiles) {
  const SmallSweep small;
  EXPECT_EQ(shell(small.path(), "\"$P\" run sweep.json -o closed" + kFew + " <&- >&- 2>&-"), 0);
  for (const auto& entry : fs::recursive_directory_iterator(small.path() / "closed"))
    if (entry.is_regular_file()) {
      EXPECT_EQ(contents(entry.path()).find("seed 0 step"), std::string::npos) << entry.path();
      EXPECT_EQ(contents(entry.path()).find("cells complete"), std::string::npos) << entry.path();
    }
  EXPECT_EQ(shell(small.path(), "\"$P\" --version 2>/dev/null >&-"), 1) << "what cannot be said is an error";
}

TEST(Environment, LittleAddressSpaceIsNoReasonToHang) {
  const TemporaryFolder here;
  EXPECT_EQ(shell(here.path(), "ulimit -v 260000; timeout 20 \"$P\" --version >/dev/null"), 0);
}

TEST(Environment, ACacheThatCannotBeWrittenIsNoError) {
  const SmallSweep small;
  for (const char* cache : {"XDG_CACHE_HOME=/dev/null/cache", "HOME=/dev/null/home XDG_CACHE_HOME="}) {
    const std::string program = std::string(cache) + " \"$P\" ";
    EXPECT_EQ(shell(small.path(), program + "plan sweep.json --calibrate 1" + kFew + " >plan.txt"), 0);
    EXPECT_HOLDS(contents(small.path() / "plan.txt"), "timed");
    EXPECT_EQ(shell(small.path(), program + "run sweep.json --calibrate 1 -q -o with" + kFew), 0);
  }
}

TEST(Environment, WhatIsTimedLeavesNothingWhenItIsStopped) {
  const SmallSweep small;
  const int code = shell(small.path(),
                         "XDG_CACHE_HOME=$PWD/cache \"$P\" plan sweep.json training.threads=1 --calibrate 60 "
                         ">plan.txt 2>/dev/null & pid=$!; "
                         "for i in $(seq 3000); do ls -d cache/isorbit/isorbit-* >/dev/null 2>&1 && break; "
                         "sleep 0.01; done; kill -TERM $pid; wait $pid");
  EXPECT_EQ(code, 75);
  for (const auto& entry : fs::directory_iterator(small.path() / "cache" / "isorbit"))
    EXPECT_FALSE(entry.is_directory()) << entry.path();
}

TEST(Environment, APipeIsReadOnce) {
  const SmallSweep small;
  Json sweep = small.document();
  sweep["model"]["file"] = (small.path() / sweep["model"]["file"].get<std::string>()).string();
  for (auto& [name, arm] : sweep["arms"].items())
    arm["method"] = (small.path() / arm["method"].get<std::string>()).string();
  small.write(sweep);
  EXPECT_EQ(shell(small.path(), "cat sweep.json | \"$P\" validate /dev/stdin"), 0);
  EXPECT_EQ(shell(small.path(), "\"$P\" validate <(cat sweep.json)"), 0);
}

TEST(Environment, APathThatIsNotUtf8IsCarriedIntoTheRecord) {
  const SmallSweep small;
  const fs::path odd = small.path() / "caf\xe9";
  fs::create_directory(odd);
  for (const auto& entry : fs::directory_iterator(small.path()))
    if (entry.path().extension() == ".json") fs::copy(entry.path(), odd / entry.path().filename());
  const Ran ran = run_program(small.path(), "run caf\xe9/sweep.json -o caf\xe9/out" + kFew);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(core::read_run(record_in(odd / "out")).provenance.at("argv"), R"(run caf\xE9/sweep.json)");
  for (const char* verb :
       {"status caf\xe9/out --json", "plan caf\xe9/sweep.json --json --calibrate 0",
        "certify caf\xe9/out --json", "export caf\xe9/out", "compare caf\xe9/out --json"}) {
    const Ran shown = run_program(small.path(), verb);
    EXPECT_EQ(shown.code, 0) << verb << "\n" << shown.err;
  }
  const Ran refused = run_program(small.path(), "run sweep.json -o with data.corpus=caf\xe9");
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_HOLDS(refused.err, R"(found "data.corpus=caf\xE9"; expected an override of UTF-8)");
  EXPECT_FALSE(fs::exists(small.path() / "with"));
}

TEST(Environment, ARecordWithoutItsSealIsReadWhereThatIsAskedFor) {
  const SmallSweep small;
  ASSERT_EQ(run_program(small.path(), "run sweep.json -q -o out" + kFew).code, 0);
  const std::string whole = contents(record_in(small.path() / "out"));
  small.folder().write("run.h5", whole.substr(0, whole.size() - 80));
  for (const std::string verb : {"certify run.h5", "replay run.h5"}) {
    const Ran refused = run_program(small.path(), verb);
    EXPECT_EQ(refused.code, 2) << verb;
    EXPECT_HOLDS(refused.err, "run.h5: found no seal at its end");
    EXPECT_HOLDS(refused.err, "--unsealed reads it as it is");
    const Ran read = run_program(small.path(), verb + " --unsealed");
    EXPECT_EQ(read.code, 0) << verb << read.err;
    EXPECT_HOLDS(read.err, "run.h5: has no seal: nothing tells that it is as it was written");
  }
}

}  // namespace
}  // namespace isorbit::experiments
