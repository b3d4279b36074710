#include "experiments/sweep/arm_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "experiments/sweep/manifest.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// adamw on the sweep's model at width 16, `narrow` with fields of its own, `other` with a document whose
/// weights are inner wide.
class ArmModel : public testing::Test {
 protected:
  ArmModel() {
    Json other = core::read_document(small_.path() / "model.json").root;
    other.erase("sizes");
    other["constants"]["inner"] = 48;
    for (Json& node : other["blocks"]["attention"]["nodes"])
      if (node.at("op") == "linear" && node.at("id") != "o") node["units"] = "inner";
    std::ofstream(small_.path() / "other.json") << other.dump(1);
    sweep_ = small_.document();
    sweep_["model"]["constants"] = {{"width", 16}};
    sweep_["seeds"] = {0};
    sweep_["arms"] = {{"adamw", {{"method", "adamw.json"}}},
                      {"narrow", {{"method", "adamw.json"}, {"model", {{"constants", {{"depth", 1}}}}}}},
                      {"other", {{"method", "adamw.json"}, {"model", {{"file", "other.json"}}}}}};
  }

  Sweep read(const std::vector<std::string>& overrides = {}) const {
    small_.write(sweep_);
    return small_.read(overrides);
  }
  static Json constant(const Sweep& sweep, std::size_t cell, const char* name) {
    return sweep.cells.at(cell).document.at("model").at("constants").at(name);
  }
  static std::string origin(const Cell& cell, const std::string& name) {
    const auto at = std::ranges::find(cell.origins, name, &Origin::name);
    return at == cell.origins.end() ? "" : at->source;
  }

  SmallSweep small_;
  Json sweep_;
};

TEST_F(ArmModel, LiesOverThatOfTheSweepUnlessItIsAnotherDocument) {
  const Sweep sweep = read();
  ASSERT_EQ(sweep.cells.size(), 3U);
  EXPECT_EQ(constant(sweep, 1, "width"), 16);
  EXPECT_EQ(constant(sweep, 1, "depth"), 1);
  EXPECT_EQ(constant(sweep, 2, "width"), 32) << "the sweep's constants are those of the sweep's document";
  EXPECT_EQ(constant(sweep, 2, "inner"), 48);
  EXPECT_LT(sweep.cells[1].facts.parameters, sweep.cells[0].facts.parameters);
  EXPECT_TRUE(origin(sweep.cells[1], "model.width").ends_with("#/model/constants/width"));
  EXPECT_TRUE(origin(sweep.cells[1], "model.depth").ends_with("#/arms/narrow/model/constants/depth"));
  EXPECT_TRUE(origin(sweep.cells[2], "model.width").ends_with("other.json"));
}

TEST_F(ArmModel, OfAnArmLeavesTheIdsOfTheOthers) {
  const std::string id = read().cells[0].id;
  sweep_["arms"] = {{"adamw", {{"method", "adamw.json"}}}};
  EXPECT_EQ(read().cells[0].id, id);
}

TEST_F(ArmModel, IsLeftAloneByAnOverrideOfTheSweepsModelWhenItIsAnotherDocument) {
  const Sweep sweep = read({"model.width=24", "arms.other.model.constants.inner=16"});
  EXPECT_EQ(constant(sweep, 0, "width"), 24);
  EXPECT_EQ(constant(sweep, 1, "width"), 24);
  EXPECT_EQ(constant(sweep, 2, "width"), 32);
  EXPECT_EQ(constant(sweep, 2, "inner"), 16);
}

TEST_F(ArmModel, IsWhatConditionsSeeAndAxesSet) {
  sweep_["arms"]["other"]["when"] = "model.inner == 48 and model.width == 24";
  sweep_["parameters"] = {{"model.width", {16, 24}}};
  const Sweep sweep = read();
  ASSERT_EQ(sweep.cells.size(), 5U);
  EXPECT_EQ(sweep.cells[4].arm, "other");
  EXPECT_EQ(constant(sweep, 4, "width"), 24);
}

TEST_F(ArmModel, IsThatOfItsControlToo) {
  sweep_["controls"] = "auto";
  sweep_["arms"] = {{"wisca", {{"method", "wisca.json"}, {"model", {{"file", "other.json"}}}}},
                    {"adamw", {{"method", "adamw.json"}}}};
  Json method = core::read_document(small_.path() / "wisca.json").root;
  for (Json& event : method["events"]) event["at"] = {0};
  std::ofstream(small_.path() / "wisca.json") << method.dump(1);
  sweep_["compare"] = Json::object();
  const Sweep sweep = read();
  ASSERT_EQ(sweep.cells.size(), 3U);
  EXPECT_EQ(sweep.cells[1].arm, "wisca-control");
  EXPECT_EQ(sweep.cells[1].document.at("model"), sweep.cells[0].document.at("model"));
  EXPECT_NE(sweep.cells[2].document.at("model"), sweep.cells[0].document.at("model"));
}

TEST_F(ArmModel, IsToldApartInTheManifest) {
  sweep_["arms"]["batch"] = {{"method", "adamw.json"}, {"training", {{"batch", 2}}}};
  sweep_["training"]["batch"] = 4;
  const Sweep sweep = read();
  write_manifest(small_.path() / "runs", sweep);
  const std::vector<Cell> cells = read_manifest(small_.path() / "runs").cells;
  ASSERT_EQ(cells.size(), 4U);
  EXPECT_EQ(cells[1].facts.model, sweep.cells[1].facts.model);
  EXPECT_NE(cells[0].facts.model, cells[1].facts.model);
  EXPECT_NE(cells[0].facts.model, cells[2].facts.model);
  EXPECT_EQ(cells[0].facts.model, cells[3].facts.model) << "a batch is no model";
}

}  // namespace
}  // namespace isorbit::experiments
