#include "analysis/controls.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/document/json.hpp"

namespace isorbit::analysis {
namespace {

/// Five seeds of an arm around a loss, each with an offset of its own far above the noise.
std::vector<LabelledRun> runs(const std::string& arm, double loss,
                              std::vector<double> noise = {0, 0, 0, 0, 0}) {
  std::vector<LabelledRun> out;
  for (std::int64_t seed = 0; seed < 5; ++seed) {
    const double value = loss + 0.5 * static_cast<double>(seed) + noise[static_cast<std::size_t>(seed)];
    core::RunRecord record;
    record.series.push_back({"valid", {{"loss", std::vector<double>{value}, "nats", ""}}});
    out.push_back({{arm, arm, {}, seed, {}}, [record] { return record; }});
  }
  return out;
}

/// The baseline has 3; arm and control as given.
ControlRow against_control(double arm, double control, bool minimize = true) {
  std::vector<LabelledRun> all = runs("adamw", 3);
  for (const auto& some : {runs("wisca", arm, {1e-3, -2e-3, 1e-3, 1e-3, -1e-3}),
                           runs("wisca-control", control, {-1e-3, 0, 1e-3, 1e-3, -1e-3})})
    all.insert(all.end(), some.begin(), some.end());
  const std::vector<std::pair<std::string, std::string>> controls = {{"wisca", "wisca-control"}};
  return compare_controls(compare(all, {"valid/loss", minimize, "adamw"}), controls).at(0);
}

TEST(Control, AGainBeyondItSurvives) {
  const ControlRow row = against_control(2.8, 2.95);
  EXPECT_EQ(row.survives, true);
  EXPECT_NEAR(row.difference->difference, -0.15, 0.01);
  EXPECT_NE(row.verdict.find("survives: against the control it is 0.1"), std::string::npos) << row.verdict;
}

TEST(Control, AGainThatItHasTooDoesNot) {
  const ControlRow row = against_control(2.8, 2.8003);
  EXPECT_EQ(row.survives, false);
  EXPECT_NE(row.verdict.find("the gain over adamw, 0.2"), std::string::npos) << row.verdict;
  EXPECT_NE(row.verdict.find("does not survive"), std::string::npos);
  EXPECT_NE(row.verdict.find("which chance explains"), std::string::npos);
}

TEST(Control, MayGainMore) {
  const ControlRow row = against_control(2.9, 2.7);
  EXPECT_EQ(row.survives, false);
  EXPECT_NE(row.verdict.find("does not survive: against the control it is -0.2"), std::string::npos)
      << row.verdict;
}

TEST(Control, ExplainsNothingWhereThereIsNoGain) {
  EXPECT_NE(against_control(3.1, 3.2).verdict.find("no gain over adamw to explain: -0.1"), std::string::npos);
  EXPECT_EQ(against_control(3.1, 3.05, false).survives, true) << "higher is better";
}

TEST(Control, SaysNothingBelowFivePairs) {
  const std::vector<std::pair<std::string, std::string>> controls = {{"wisca", "wisca-control"}};
  std::vector<LabelledRun> all;
  const auto row = [&] {
    return compare_controls(compare(all, {"valid/loss", true, "adamw"}), controls).at(0);
  };
  for (std::size_t seed = 0; seed < 5; ++seed) {
    all.push_back(runs("adamw", 3)[seed]);
    all.push_back(runs("wisca", 2.8, {1e-3, -2e-3, 1e-3, 1e-3, -1e-3})[seed]);
    if (seed == 0) {
      EXPECT_EQ(row().verdict, "nothing to say: no wisca-control");
    }
    all.push_back(runs("wisca-control", 2.95)[seed]);
    EXPECT_EQ(row().survives.has_value(), seed == 4);
    const std::string needs = "nothing to say: it takes 5 pairs of seeds, and there ";
    if (seed == 0) {
      EXPECT_EQ(row().verdict, needs + "is 1");
    }
    if (seed == 3) {
      EXPECT_EQ(row().verdict, needs + "are 4");
    }
    EXPECT_EQ(controls_text(std::vector{row()}).find("(p ") == std::string::npos, seed < 4);
  }
  EXPECT_NE(row().verdict.find("survives"), std::string::npos) << row().verdict;
}

TEST(Control, SaysNothingOfAnArmWithMissingSeeds) {
  const std::vector<std::pair<std::string, std::string>> controls = {{"wisca", "wisca-control"}};
  std::vector<LabelledRun> all = runs("adamw", 3);
  for (const auto& some : {runs("wisca", 2.8), runs("wisca-control", 2.9)})
    all.insert(all.end(), some.begin(), some.end());
  all.back().label.state = {"failed", "diverged at step 3", ""};
  const ControlRow row = compare_controls(compare(all, {"valid/loss", true, "adamw"}), controls).at(0);
  EXPECT_EQ(row.verdict, "nothing to say: wisca-control has 4 of 5 seeds");
  EXPECT_FALSE(row.difference.has_value());
  EXPECT_TRUE(core::Json::parse(controls_json(std::vector{row})).at("survives").is_null());
}

TEST(Control, IsShownInATableAndASentence) {
  const std::vector<ControlRow> rows = {against_control(2.8, 2.95)};
  const std::string text = controls_text(rows);
  EXPECT_NE(text.find("wisca  wisca-control     -0.1"), std::string::npos) << text;
  EXPECT_NE(text.find("wisca: the gain over adamw"), std::string::npos) << text;
  EXPECT_EQ(controls_text({}), "");
  const core::Json line = core::Json::parse(controls_json(rows));
  EXPECT_EQ(line.at("control"), "wisca-control");
  EXPECT_EQ(line.at("pairs"), 5);
  EXPECT_EQ(line.at("survives"), true);
}

}  // namespace
}  // namespace isorbit::analysis
