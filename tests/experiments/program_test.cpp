#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/document/json.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

std::vector<Json> objects(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(Program, SaysWhatItDoesAndWhichVersionItIs) {
  const TemporaryFolder here;
  const Ran help = run_program(here.path(), "--help");
  EXPECT_EQ(help.code, 0);
  for (const char* verb : {"validate", "plan", "run", "repair", "gc", "status", "compare", "export",
                           "certify", "replay", "eval", "compile", "bench", "profile", "list", "schema"}) {
    EXPECT_HOLDS(help.out, "\n  " + std::string(verb) + " ");
    const Ran of_verb = run_program(here.path(), std::string(verb) + " --help");
    EXPECT_EQ(of_verb.code, 0) << verb;
    EXPECT_HOLDS(of_verb.out, "usage: isorbit " + std::string(verb));
  }
  EXPECT_HOLDS(run_program(here.path(), "--version").out, "isorbit 0.1.0");
  EXPECT_EQ(run_program(here.path(), "").code, 2);
}

TEST(Program, RunsSeveralCellsAtOnce) {
  const SmallSweep small;
  EXPECT_HOLDS(run_program(small.path(), "run --help").out, "[ --jobs ] N");
  const Ran ran = run_program(small.path(), "run sweep.json training.threads=1 --jobs auto");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.err, "8 of 8 cells complete in runs/small");
  for (const char* wrong : {"0", "two", "1000000"}) {
    const Ran refused = run_program(small.path(), "run sweep.json -o elsewhere --jobs " + std::string(wrong));
    EXPECT_EQ(refused.code, 2) << wrong;
    EXPECT_HOLDS(refused.err, "found --jobs");
    EXPECT_FALSE(std::filesystem::exists(small.path() / "elsewhere"));
  }
}

TEST(Program, RunsASweepThenFindsItDoneThenComparesAndExportsIt) {
  const SmallSweep small;
  const Ran first = run_program(small.path(), "run sweep.json");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, "") << "stdout is for data";
  EXPECT_HOLDS(first.err, "8 of 8 cells complete in runs/small");
  EXPECT_EQ(first.err.find('\r'), std::string::npos) << "no rewritten lines where there is no terminal";

  const Ran again = run_program(small.path(), "run sweep.json");
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(again.err, "8 of 8 cells complete in runs/small\n");

  for (const Json& cell : objects(run_program(small.path(), "status runs/small --json").out)) {
    EXPECT_EQ(cell.at("state"), "done");
    EXPECT_EQ(cell.at("step"), 4);
    EXPECT_GT(cell.at("valid_loss").get<double>(), 0);
  }
  const std::vector<Json> rows = objects(run_program(small.path(), "compare runs/small --json").out);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[3].at("arm"), "wisca");
  EXPECT_EQ(rows[3].at("pairs"), 2);
  EXPECT_HOLDS(run_program(small.path(), "compare sweep.json").out, "baseline");

  const Ran csv = run_program(small.path(), "export runs/small --format csv");
  EXPECT_EQ(csv.code, 0) << csv.err;
  EXPECT_TRUE(
      csv.out.starts_with("cell,arm,seed,method.learning_rate,state,series,parameter,layer,kind,index,"
                          "column,step,value,unit\n"));
  EXPECT_HOLDS(csv.out, ",done,train,,,,,loss,4,");
  EXPECT_HOLDS(csv.out, ",done,valid,,,,,loss,4,");
  EXPECT_HOLDS(csv.out, ",done,spectrum,layers.0.q.weight,0,q,31,singular_value,4,");
  EXPECT_HOLDS(csv.out, ",train,,,,,learning_rate:*,4,") << "poet has a second group";
  EXPECT_EQ(run_program(small.path(), "export runs/small --shape wide -o wide.csv").code, 0);
  EXPECT_HOLDS(contents(small.path() / "wide.csv"), ",train/loss");
}

TEST(Program, ListsMissingCellsInsteadOfIgnoringThem) {
  const SmallSweep small;
  ASSERT_EQ(run_program(small.path(), "run sweep.json --only arm=adamw,seed=0 -q").code, 0);
  const Ran compared = run_program(small.path(), "compare runs/small");
  EXPECT_EQ(compared.code, 0);
  EXPECT_EQ(std::count(compared.out.begin(), compared.out.end(), '\n') > 6, true);
  EXPECT_HOLDS(compared.out, "6 of 8 cells have no value: adamw 2 missing; poet 2 missing; wisca 2 missing");
  EXPECT_HOLDS(run_program(small.path(), "compare runs/small --missing").out, "missing poet seed 1");
  EXPECT_HOLDS(run_program(small.path(), "status runs/small").out, "8 cells: 2 done 6 planned");
}

TEST(Program, FailsWithOneWhenACellFailsAndGoesOn) {
  const SmallSweep small;
  const Ran ran = run_program(small.path(), "run sweep.json method.learning_rate=1e30 --seed 0 -o out");
  EXPECT_EQ(ran.code, 1);
  EXPECT_HOLDS(ran.err, "failed");
  EXPECT_HOLDS(ran.err, "not finite");
  EXPECT_HOLDS(run_program(small.path(), "status out").out, "not finite");
}

TEST(Program, SavesItsStateOnTheFirstInterruptAndGoesOnFromIt) {
  const SmallSweep small;
  const std::string sweep =
      "run sweep.json training.steps=400 --only arm=adamw,seed=0,learning_rate=0.001 -o out";
  const Ran whole = run_program(small.path(), sweep + "put");
  ASSERT_EQ(whole.code, 0) << whole.err;
  Ran ran = run_program(small.path(), sweep, "timeout --preserve-status -s INT 0.7 ");
  int stops = 0;
  for (; ran.code == 75 && stops < 50; ++stops)
    ran = run_program(small.path(), sweep, "timeout --preserve-status -s INT 1.2 ");
  if (ran.code != 0) ran = run_program(small.path(), sweep);
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto losses = [&](const std::string& folder) {
    const std::string csv = run_program(small.path(), "export " + folder).out;
    std::set<std::string> rows;
    std::istringstream in(csv);
    for (std::string line; std::getline(in, line);)
      if (line.find(",train,,,,,loss,") != std::string::npos) rows.insert(line);
    return rows;
  };
  EXPECT_EQ(losses("out").size(), 400U);
  EXPECT_EQ(losses("out"), losses("output")) << "after " << stops << " stops";
}

TEST(Program, PrintsPlansWithoutWritingAnything) {
  const SmallSweep small;
  const Ran plan = run_program(small.path(), "plan sweep.json model.width=16,32");
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_HOLDS(plan.out, "16 cells: 16 planned");
  EXPECT_FALSE(std::filesystem::exists(small.path() / "runs"));
  const auto lines = objects(run_program(small.path(), "plan sweep.json --json --limit 3").out);
  ASSERT_EQ(lines.size(), 4U) << "three cells, and how long they take together";
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(lines[i].contains("forecast"));
  EXPECT_GT(lines[3].at("jobs").at("1"), 0);
  const Ran config = run_program(small.path(), "plan sweep.json training.steps=7 --print-config --limit 1");
  EXPECT_HOLDS(config.out, "training.steps = 7");
  EXPECT_HOLDS(config.out, "command line training.steps=7");
}

TEST(Program, CompilesAModelAndShowsItsGraphAfterAPass) {
  const SmallSweep small;
  const Ran summary = run_program(small.path(), "compile model.json --method poet.json --summary");
  EXPECT_EQ(summary.code, 0) << summary.err;
  EXPECT_HOLDS(summary.out, "arena");
  EXPECT_HOLDS(summary.out, "implementation");
  const Ran before = run_program(small.path(), "compile model.json --dump read");
  const Ran after = run_program(small.path(), "compile model.json --dump differentiate --dot");
  EXPECT_HOLDS(before.out, "layers.0.q");
  EXPECT_EQ(before.out.find("gradient/"), std::string::npos);
  EXPECT_HOLDS(after.out, "digraph");
}

TEST(Program, ListsWhatDocumentsMaySay) {
  const TemporaryFolder here;
  EXPECT_HOLDS(run_program(here.path(), "list ops").out, "cross_entropy");
  EXPECT_HOLDS(run_program(here.path(), "list methods").out, "poet");
  EXPECT_HOLDS(run_program(here.path(), "list measures").out, "stable_rank");
  EXPECT_HOLDS(run_program(here.path(), "list engines").out, "cpu");
}

TEST(Program, PrintsASchemaOfEveryKindOfDocument) {
  const TemporaryFolder here;
  for (const char* kind : {"sweep", "model", "method"}) {
    const Json schema = Json::parse(run_program(here.path(), std::string("schema ") + kind).out);
    EXPECT_EQ(schema.at("additionalProperties"), false) << kind;
  }
}

TEST(Program, AcceptsTheSweepsThatComeWithIt) {
  const std::filesystem::path source = ISORBIT_SOURCE_DIR;
  const TemporaryFolder here;
  for (const auto& entry : std::filesystem::directory_iterator(source / "experiments" / "sweeps")) {
    const Ran ran = run_program(
        here.path(), "validate '" + entry.path().string() + "' --data '" + (source / "data").string() + "'");
    EXPECT_EQ(ran.code, 0) << ran.err;
  }
}

}  // namespace
}  // namespace isorbit::experiments
