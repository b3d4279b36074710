// What compare and export make of cells that did not all end well, or do not all stand on the same data.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "experiments/sweep/manifest.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

class ComparableCells : public testing::Test {
 protected:
  ComparableCells() {
    sweep_ = small_.document();
    sweep_["training"] = {{"steps", 2}, {"validate_every", 2}, {"valid_targets", 256}};
    sweep_["arms"] = {{"adamw", {{"method", "adamw.json"}}}};
    sweep_["seeds"] = {0};
    // Of the same held-out text; of another.
    const auto text = [&](const char* file) { return contents(small_.path() / "data/prose" / file); };
    small_.folder().write("data/half/train.txt", text("train.txt").substr(0, 2048));
    small_.folder().write("data/half/valid.txt", text("valid.txt"));
    small_.folder().write("data/verse/train.txt", text("train.txt"));
    small_.folder().write("data/verse/valid.txt", text("train.txt").substr(0, 1024));
  }

  void arm(const char* name, Json fields) {
    fields["method"] = "adamw.json";
    sweep_["arms"][name] = std::move(fields);
  }
  Ran run(const std::string& arguments) {
    small_.write(sweep_);
    return run_program(small_.path(), arguments);
  }
  /// What stands behind the name of an arm in the table.
  static std::string line_of(const std::string& table, const std::string& arm) {
    const std::size_t at = table.find("\n" + arm + " ");
    return at == std::string::npos ? "" : table.substr(at + 1, table.find('\n', at + 1) - at - 1);
  }

  SmallSweep small_;
  Json sweep_;
};

TEST_F(ComparableCells, HaveTheirTargetsFromWhatIsHeldOutAndHowItIsCut) {
  arm("narrow", {{"model", {{"constants", {{"width", 16}}}}}});
  arm("long", {{"training", {{"steps", 4}, {"batch", 2}}}});
  arm("half", {{"data", {{"corpus", "half"}}}});
  arm("verse", {{"data", {{"corpus", "verse"}}}});
  arm("fewer", {{"training", {{"valid_targets", 128}}}});
  arm("short", {{"model", {{"constants", {{"seq", 8}}}}}});
  arm("pieces", {{"data", {{"tokenizer", {{"kind", "bpe"}, {"vocab", 290}}}}},
                 {"model", {{"constants", {{"vocab", 290}}}}}});
  small_.write(sweep_);
  write_manifest(small_.path() / "runs", small_.read());
  std::map<std::string, std::string> targets;
  for (const Cell& cell : read_manifest(small_.path() / "runs").cells)
    targets[cell.arm] = cell.facts.targets_sha256;
  EXPECT_EQ(targets["adamw"].size(), 64U);
  for (const char* same : {"narrow", "long", "half"}) EXPECT_EQ(targets[same], targets["adamw"]) << same;
  for (const char* other : {"verse", "fewer", "short", "pieces"})
    EXPECT_NE(targets[other], targets["adamw"]) << other;
}

TEST_F(ComparableCells, AreSubtractedWhereTheirTargetsAreTheSameAndNowhereElse) {
  arm("narrow", {{"model", {{"constants", {{"width", 16}}}}}, {"training", {{"steps", 3}}}});
  arm("half", {{"data", {{"corpus", "half"}}}});
  arm("verse", {{"data", {{"corpus", "verse"}}}});
  arm("fewer", {{"training", {{"valid_targets", 128}}}});
  ASSERT_EQ(run("run sweep.json -q").code, 0);
  const Ran compared = run("compare runs/small");
  EXPECT_EQ(compared.code, 0);
  EXPECT_HOLDS(line_of(compared.out, "narrow"), "1  another model; 3 steps, not 2");
  EXPECT_HOLDS(line_of(compared.out, "half"), "1  other training data");
  EXPECT_HOLDS(line_of(compared.out, "verse"), "other data");
  EXPECT_HOLDS(line_of(compared.out, "fewer"), "other validation set");
  EXPECT_FALSE(holds(compared.out, " p ")) << "of one pair\n" << compared.out;
}

TEST_F(ComparableCells, SayWhatHappenedAndKeepWhatTheyRecorded) {
  arm("wild", {{"set", {{"learning_rate", 1e30}}}});
  sweep_["training"]["steps"] = 4;
  sweep_["seeds"] = {0, 1};
  ASSERT_EQ(run("run sweep.json -q").code, 1);
  ASSERT_EQ(run("run sweep.json -q seeds=0,1,2 --only arm=adamw,seed=2").code, 0);
  const Ran compared = run("compare runs/small");
  EXPECT_EQ(compared.code, 0);
  const std::string wild = line_of(compared.out, "wild");
  EXPECT_HOLDS(wild, "diverged at step ");
  EXPECT_HOLDS(wild, " missing");
  EXPECT_HOLDS(wild, "0 of 3 seeds");
  EXPECT_HOLDS(compared.out, "3 of 6 cells have no value: wild 2 diverged, 1 missing");
  EXPECT_HOLDS(run("compare runs/small --missing").out, "not finite");

  const Ran csv = run("export runs/small --only arm=wild --series 'train/*'");
  EXPECT_EQ(csv.code, 0);
  EXPECT_HOLDS(csv.out, ",wild,0,failed,train,,,,,loss,1,");
  EXPECT_FALSE(holds(csv.out, "adamw"));
  EXPECT_FALSE(holds(csv.out, "valid"));
  EXPECT_EQ(csv.err, "3 of 3 cells are not complete: wild 2 diverged, 1 missing\n");
  const Ran typo = run("export runs/small --series trian/loss -o table.csv");
  EXPECT_EQ(typo.code, 2);
  EXPECT_HOLDS(typo.err, "\"train/loss\"");
  EXPECT_FALSE(std::filesystem::exists(small_.path() / "table.csv"));
}

}  // namespace
}  // namespace isorbit::experiments
