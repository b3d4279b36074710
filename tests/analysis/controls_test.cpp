#include "analysis/controls.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/document/json.hpp"

namespace isorbit::analysis {
namespace {

/// Three seeds of an arm around a loss, each with an offset of its own far above the noise.
std::vector<LabelledRun> runs(const std::string& arm, double loss, std::vector<double> noise = {0, 0, 0}) {
  std::vector<LabelledRun> out;
  for (std::int64_t seed = 0; seed < 3; ++seed) {
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
  for (const auto& some :
       {runs("wisca", arm, {1e-3, -2e-3, 1e-3}), runs("wisca-control", control, {-1e-3, 0, 1e-3})})
    all.insert(all.end(), some.begin(), some.end());
  const std::vector<std::pair<std::string, std::string>> controls = {{"wisca", "wisca-control"}};
  return compare_controls(compare(all, {"valid/loss", minimize, "adamw"}), controls).at(0);
}

TEST(Control, AGainBeyondItSurvives) {
  const ControlRow row = against_control(2.8, 2.95);
  EXPECT_TRUE(row.survives);
  EXPECT_NEAR(row.difference->difference, -0.15, 0.01);
  EXPECT_NE(row.verdict.find("survives: against the control it is 0.1"), std::string::npos) << row.verdict;
}

TEST(Control, AGainThatItHasTooDoesNot) {
  const ControlRow row = against_control(2.8, 2.8003);
  EXPECT_FALSE(row.survives);
  EXPECT_NE(row.verdict.find("the gain over adamw, 0.2"), std::string::npos) << row.verdict;
  EXPECT_NE(row.verdict.find("does not survive"), std::string::npos);
  EXPECT_NE(row.verdict.find("which chance explains"), std::string::npos);
}

TEST(Control, MayGainMore) {
  const ControlRow row = against_control(2.9, 2.7);
  EXPECT_FALSE(row.survives);
  EXPECT_NE(row.verdict.find("does not survive: against the control it is -0.2"), std::string::npos)
      << row.verdict;
}

TEST(Control, ExplainsNothingWhereThereIsNoGain) {
  EXPECT_NE(against_control(3.1, 3.2).verdict.find("no gain over adamw to explain: -0.1"), std::string::npos);
  EXPECT_TRUE(against_control(3.1, 3.05, false).survives) << "higher is better";
}

TEST(Control, NeedsTwoPairs) {
  const std::vector<std::pair<std::string, std::string>> controls = {{"wisca", "wisca-control"}};
  std::vector<LabelledRun> all = {runs("adamw", 3)[0], runs("wisca", 2)[0]};
  const auto verdict = [&] {
    return compare_controls(compare(all, {"valid/loss", true, "adamw"}), controls).at(0).verdict;
  };
  EXPECT_EQ(verdict(), "nothing to say: no seed has finished in it and in wisca-control");
  all.push_back(runs("wisca-control", 2)[0]);
  EXPECT_EQ(verdict(), "nothing to say: one pair is no test");
}

TEST(Control, IsShownInATableAndASentence) {
  const std::vector<ControlRow> rows = {against_control(2.8, 2.95)};
  const std::string text = controls_text(rows);
  EXPECT_NE(text.find("wisca  wisca-control     -0.1"), std::string::npos) << text;
  EXPECT_NE(text.find("wisca: the gain over adamw"), std::string::npos) << text;
  EXPECT_EQ(controls_text({}), "");
  const core::Json line = core::Json::parse(controls_json(rows));
  EXPECT_EQ(line.at("control"), "wisca-control");
  EXPECT_EQ(line.at("pairs"), 3);
  EXPECT_EQ(line.at("survives"), true);
}

}  // namespace
}  // namespace isorbit::analysis
