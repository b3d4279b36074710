// Arms that are one run under two names: both stand everywhere, are trained once where their documents are
// the same, and no difference is made of them.
#include <gtest/gtest.h>

#include <sstream>

#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/rows.hpp"
#include "experiments/training/cell_document.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

/// "adamw" (the baseline), "again" with its very document, and "wisca", which never rescales in 4 steps.
class SameRuns : public testing::Test {
 protected:
  SameRuns() {
    Json wisca = core::read_document(small_.path() / "wisca.json").root;
    wisca["events"][0]["every"] = 250;
    small_.folder().write("wisca.json", wisca.dump(1));
    Json plain = wisca;
    plain.erase("events");
    plain["name"] = "adamw";
    small_.folder().write("adamw.json", plain.dump(1));
    Json document = small_.document();
    document["arms"] = {{"adamw", {{"method", "adamw.json"}}},
                        {"wisca", {{"method", "wisca.json"}}},
                        {"again", {{"method", "adamw.json"}}}};
    small_.write(document);
  }
  [[nodiscard]] Ran run(const std::string& arguments) const { return run_program(small_.path(), arguments); }
  SmallSweep small_;
};

TEST_F(SameRuns, AreOneCellWithTwoRowsWhereTheirDocumentsAreTheSame) {
  const Sweep sweep = small_.read();
  ASSERT_EQ(sweep.cells.size(), 4U);
  const std::vector<RowOfCell> rows = rows_of(sweep.cells);
  ASSERT_EQ(rows.size(), 6U);
  const char* arms[] = {"adamw", "adamw", "wisca", "wisca", "again", "again"};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(*rows[i].arm, arms[i]);
  EXPECT_EQ(rows[4].cell, rows[0].cell);
  EXPECT_NE(rows[2].cell->id, rows[0].cell->id);
  EXPECT_EQ(rows[2].cell->run, rows[0].cell->run);
  EXPECT_EQ(rows[2].cell->idle, std::vector<std::string>{"never rescales in 4 steps"});
}

TEST_F(SameRuns, AreMarkedByPlan) {
  const Ran planned = run("plan sweep.json --calibrate 0");
  EXPECT_HOLDS(planned.out, "same as adamw: never rescales in 4 steps");
  EXPECT_HOLDS(planned.out, "same as adamw: same document");
  EXPECT_HOLDS(planned.out, "4 cells: 4 planned");
  const std::vector<Json> lines = lines_of(run("plan sweep.json --calibrate 0 --json").out);
  EXPECT_FALSE(lines.at(0).contains("same_as"));
  EXPECT_EQ(lines.at(2).at("same_as"), "same as adamw: never rescales in 4 steps");
  EXPECT_EQ(lines.at(4).at("arm"), "again");
  EXPECT_EQ(lines.at(4).at("same_as"), "same as adamw: same document");
  EXPECT_EQ(lines.at(4).at("folder"), lines.at(0).at("folder"));
}

TEST_F(SameRuns, StandInEveryTableAndAreTrainedOnce) {
  const Ran ran = run("run sweep.json");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.err, "4 of 4 cells complete");
  EXPECT_FALSE(std::filesystem::exists(small_.path() / "runs/small/again"));
  for (const char* from : {"sweep.json", "runs/small"}) {
    const std::vector<Json> rows = lines_of(run(std::string("compare --json ") + from).out);
    ASSERT_EQ(rows.size(), 3U) << from;
    EXPECT_EQ(rows[1].at("same_as"), "same as adamw: never rescales in 4 steps");
    EXPECT_EQ(rows[2].at("same_as"), "same as adamw: same document");
    for (const std::size_t i : {1U, 2U}) {
      EXPECT_EQ(rows[i].at("difference"), 0);
      EXPECT_TRUE(rows[i].at("p_value").is_null());
      EXPECT_EQ(rows[i].at("values"), rows[0].at("values"));
    }
    const std::string table = run(std::string("compare ") + from).out;
    EXPECT_HOLDS(table, "same as adamw: never rescales in 4 steps");
    EXPECT_HOLDS(table, "+0.0000");
    EXPECT_HOLDS(table, "same as adamw: same document");
    const std::string turned = run(std::string("compare --baseline wisca ") + from).out;
    EXPECT_HOLDS(turned, "same as wisca, which never rescales in 4 steps");
    const std::string status = run(std::string("status ") + from).out;
    EXPECT_HOLDS(status, "same as adamw: never rescales in 4 steps");
    EXPECT_HOLDS(status, "same as adamw: same document");
    EXPECT_HOLDS(status, "4 cells: 4 done");
  }
  const std::string exported = run("export runs/small").out;
  EXPECT_HOLDS(exported, ",again,0,");
  EXPECT_HOLDS(exported, ",wisca,1,");
  const Ran second = run("run sweep.json -q");
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(run("gc runs/small --dry-run").code, 0);
  EXPECT_EQ(run("repair runs/small --dry-run").code, 0);
}

TEST_F(SameRuns, AreChosenByTheNameOfAnyOfTheirArms) {
  const std::vector<Json> lines = lines_of(run("plan sweep.json --calibrate 0 --json --only arm=again").out);
  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines[0].at("arm"), "again");
  EXPECT_EQ(lines[1].at("arm"), "again");
  EXPECT_EQ(run("run sweep.json -q --only arm=again,seed=0").code, 0);
  const std::vector<Json> states = lines_of(run("status sweep.json --json").out);
  for (const Json& line : states)
    EXPECT_EQ(line.at("state"), line.at("arm") != "wisca" && line.at("seed") == 0 ? "done" : "planned");
}

TEST_F(SameRuns, OfASourceHaveTheSameDescendants) {
  Json document = small_.document();
  document["arms"]["tuned"] = {{"method", "poet.json"}, {"from", "adamw"}};
  document["arms"]["tuned_wisca"] = {{"method", "poet.json"}, {"from", "wisca"}};
  Json poet = core::read_document(small_.path() / "poet.json").root;
  poet["groups"][0]["parametrization"]["init"] = "model";
  small_.folder().write("poet.json", poet.dump(1));
  small_.write(document);
  const std::vector<Json> lines = lines_of(run("plan sweep.json --calibrate 0 --json").out);
  EXPECT_EQ(lines.at(8).at("arm"), "tuned_wisca");
  EXPECT_EQ(lines.at(8).at("same_as"), "same as tuned: the same in other words");
}

TEST_F(SameRuns, AreOnesWhoseMethodsAreWrittenOtherwise) {
  Json document = small_.document();
  small_.folder().write("alias.json", R"({ "name": "short", "groups": [ { "parameters": "*", "update": [
    { "kind": "adamw", "learning_rate": 0.001, "weight_decay": 0.1 } ] } ] })");
  small_.folder().write("chain.json", R"({ "name": "long", "groups": [ { "parameters": "*", "update": [
    { "kind": "adam" }, { "kind": "weight_decay", "rate": 0.1 }, { "kind": "learning_rate", "value": "1e-3" } ] } ] })");
  document["arms"] = {{"alias", {{"method", "alias.json"}}}, {"chain", {{"method", "chain.json"}}}};
  document.erase("compare");
  small_.write(document);
  EXPECT_EQ(small_.read().cells.at(0).run, small_.read().cells.at(2).run);
  EXPECT_HOLDS(run("plan sweep.json --calibrate 0").out, "same as alias: the same in other words");
}

TEST(EqualValues, AreOneCellWithOneIdHoweverTheyAreWritten) {
  const SmallSweep small;
  const auto ids_of = [&](const Json& values) {
    Json document = small.document();
    document["arms"] = {{"adamw", {{"method", "adamw.json"}, {"tune", {{"learning_rate", values}}}}}};
    document["seeds"] = {0};
    small.write(document);
    std::vector<std::string> ids;
    for (const Cell& cell : small.read().cells) ids.push_back(cell.id);
    return ids;
  };
  const std::vector<std::string> one = ids_of({0.001});
  ASSERT_EQ(one.size(), 1U);
  for (const char* text : {"1e-3", "0.001", "0.002/2"}) EXPECT_EQ(ids_of({text}), one) << text;
  EXPECT_EQ(ids_of({1e-3, "1e-3", "0.001", "0.002/2", 0.001}), one);
  EXPECT_EQ(ids_of({2, 2.0, "2", "4 / 2"}).size(), 1U);
  EXPECT_EQ(ids_of({"warmup / 2000"}), one) << "2 of the document's warm-up";
  EXPECT_EQ(ids_of({"warmup / 2000", 0.001}), one);
}

TEST(EqualValues, OfSeedsTokenizersAndBatchesAreOneCell) {
  const SmallSweep small;
  Json document = small.document();
  document["arms"] = {{"adamw", {{"method", "adamw.json"}}}};
  document["seeds"] = {0, 1, 0};
  document["parameters"] = {{"training.batch", {2, 2.0}}, {"model.width", {32, "8 * 4", 32.0}}};
  small.write(document);
  const Sweep sweep = small.read();
  EXPECT_EQ(sweep.cells.size(), 2U);
  for (const Cell& cell : sweep.cells) {
    EXPECT_TRUE(cell.also.empty());
    EXPECT_EQ(cell.folder.string().substr(0, 26),
              "adamw/batch=2,width=32-s" + std::to_string(cell.seed) + "-");
  }
  EXPECT_EQ(sweep.warnings.size(), 4U) << "one for every value that is there again";
}

TEST(EqualValues, KeepTheIdsOfDocumentsThatWereWrittenPlainly) {
  const SmallSweep small;
  std::vector<std::string> ids;
  for (const Cell& cell : small.read().cells)
    if (cell.arm == "adamw") ids.push_back(cell_id(cell.document, cell.facts.data_sha256, 1).substr(0, 8));
  EXPECT_EQ(ids, (std::vector<std::string>{"8e6c26ae", "8466fb10", "270e54c1", "efe5080c"}))
      << "as schema version 1 had them";
}

}  // namespace
}  // namespace isorbit::experiments
