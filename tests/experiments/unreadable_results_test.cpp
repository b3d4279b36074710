// A sweep one of whose cells cannot be read for a while: it fails and is left alone, the others go on, and
// the exit code says it.
#include <gtest/gtest.h>

#include <algorithm>

#include "experiments/sweep/manifest.hpp"
#include "tests/experiments/file_damage.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

class UnreadableResults : public testing::Test {
 protected:
  UnreadableResults() {
    Json sweep = small_.document();
    sweep["arms"] = {{"adamw", {{"method", "adamw.json"}}}, {"poet", {{"method", "poet.json"}}}};
    sweep["seeds"] = {0};
    sweep["compare"] = Json::object();
    small_.write(sweep);
    EXPECT_EQ(run("run sweep.json -o out -q --only arm=adamw").code, 0);
    folder_ = small_.path() / "out" / read_manifest(small_.path() / "out").cells[0].folder;
  }
  Ran run(const std::string& arguments) const { return run_program(small_.path(), arguments); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      out.push_back(entry.path().lexically_relative(folder_).string());
    std::ranges::sort(out);
    return out;
  }

  SmallSweep small_;
  fs::path folder_;
};

TEST_F(UnreadableResults, FailTheirCellAloneAndAreLeftAsTheyAre) {
  const std::string record = contents(folder_ / "run.h5");
  {
    const Hidden hidden(folder_ / "run.h5");
    const std::vector<std::string> before = names();
    const Ran ran = run("run sweep.json -o out");
    EXPECT_EQ(ran.code, 1);
    EXPECT_HOLDS(ran.err, "Too many levels of symbolic links");
    EXPECT_HOLDS(ran.err, "1 of 2 cells complete, 1 failed in out");
    const Ran repair = run("repair out");
    EXPECT_EQ(repair.code, 1);
    EXPECT_HOLDS(repair.out, "Too many levels of symbolic links; left as it is");
    const Ran gc = run("gc out");
    EXPECT_EQ(gc.code, 1);
    EXPECT_HOLDS(gc.err, "Too many levels of symbolic links");
    EXPECT_HOLDS(gc.out, "the cell is complete") << "the other cell's";
    const Ran status = run("status out");
    EXPECT_EQ(status.code, 1) << "it cannot tell of all";
    EXPECT_HOLDS(status.out, "unknown");
    EXPECT_HOLDS(status.out, "1 done 1 unknown");
    EXPECT_EQ(names(), before);
  }
  EXPECT_EQ(contents(folder_ / "run.h5"), record);
  EXPECT_EQ(run("repair out").code, 0);
  EXPECT_EQ(run("run sweep.json -o out").code, 0);
}

TEST_F(UnreadableResults, FailWhatStartsFromThem) {
  Json sweep = small_.document();
  sweep["arms"]["after"] = {{"method", "adamw.json"}, {"from", "adamw"}};
  small_.write(sweep);
  const Hidden hidden(folder_ / "weights.safetensors");
  const Ran ran = run("run sweep.json -o out");
  EXPECT_EQ(ran.code, 1);
  EXPECT_HOLDS(ran.err, "1 of 3 cells complete, 2 failed in out");
  EXPECT_HOLDS(ran.err, "which failed: ");
}

TEST_F(UnreadableResults, OfAnEarlierFailureAreNotTrainedAgain) {
  fs::create_directories(folder_ / "attempt-0002");
  std::ofstream(folder_ / "attempt-0002" / "failed.json")
      << R"({"kind": "diverged", "reason": "no", "step": 1})";
  fs::remove(folder_ / "done.json");
  const Hidden hidden(folder_ / "attempt-0002" / "failed.json");
  const std::vector<std::string> before = names();
  EXPECT_EQ(run("run sweep.json -o out --only arm=adamw").code, 1);
  EXPECT_EQ(names(), before);
}

}  // namespace
}  // namespace isorbit::experiments
