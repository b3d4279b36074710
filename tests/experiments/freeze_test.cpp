#include "experiments/sweep/freeze.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/record/tensor_file.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

class Freeze : public testing::Test {
 protected:
  SweepRequest request(std::vector<std::string> overrides = {}) const {
    return {small_.path() / "sweep.json", std::move(overrides), small_.path() / "data"};
  }
  Sweep read_copy(const fs::path& copy) const { return read_sweep({copy, {}, small_.path() / "data"}); }
  static std::set<std::string> ids(const Sweep& sweep) {
    std::set<std::string> ids;
    for (const Cell& cell : sweep.cells) ids.insert(cell.id);
    return ids;
  }

  SmallSweep small_;
  TemporaryFolder to_;
};

TEST_F(Freeze, KeepsTheCellsWhateverBecomesOfTheDocuments) {
  const std::set<std::string> before = ids(small_.read());
  const fs::path copy = freeze(request(), to_.path());
  EXPECT_EQ(copy, to_.path() / "sweep.json");
  for (const char* name : {"sweep.json", "model.json", "adamw.json", "poet.json", "wisca.json"})
    small_.folder().write(name, "{}");
  EXPECT_EQ(ids(read_copy(copy)), before);
}

TEST_F(Freeze, WritesOverridesAndAxesOfTheCommandLineIntoTheCopy) {
  const std::vector<std::string> overrides = {"training.steps=6",
                                              "seeds=[3]",
                                              "model.heads=1,2",
                                              "method.learning_rate=1e-3,0.004",
                                              "arms.wisca.set.learning_rate=3e-4",
                                              "arms.poet.training.dtype=bf16"};
  const Sweep sweep = small_.read(overrides);
  const Sweep copy = read_copy(freeze(request(overrides), to_.path()));
  EXPECT_EQ(ids(copy), ids(sweep));
  for (std::size_t i = 0; i < sweep.cells.size(); ++i)
    EXPECT_EQ(copy.cells[i].folder, sweep.cells[i].folder) << "labels are the same too";
}

TEST_F(Freeze, TellsDocumentsOfOneNameApart) {
  small_.folder().write("other/adamw.json", contents(small_.path() / "poet.json"));
  Json document = small_.document();
  document["arms"]["poet"]["method"] = "other/adamw.json";
  document["arms"]["again"] = {{"method", "./adamw.json"}, {"set", {{"learning_rate", 7e-4}}}};
  small_.write(document);
  const fs::path copy = freeze(request(), to_.path());
  EXPECT_EQ(ids(read_copy(copy)), ids(small_.read()));
  EXPECT_EQ(contents(to_.path() / "adamw.json"), contents(small_.path() / "adamw.json"));
  EXPECT_EQ(contents(to_.path() / "2-adamw.json"), contents(small_.path() / "poet.json"));
  EXPECT_FALSE(fs::exists(to_.path() / "3-adamw.json")) << "one document, one copy";
}

TEST_F(Freeze, NamesWeightsInFilesByTheirFullPathsAndLeavesArmsAlone) {
  const core::Model model = core::read_model(core::read_document(small_.path() / "model.json"), every_op());
  std::map<std::string, std::vector<float>> values;
  std::vector<core::TensorView> views;
  for (const auto& [name, shape] : shapes_of(model)) {
    values[name].assign(static_cast<std::size_t>(shape.elements()), 0.5F);
    views.push_back(core::view_of<float>(name, shape.dims(), values[name]));
  }
  core::write_tensors(small_.path() / "first.safetensors", views);
  Json document = small_.document();
  document["arms"]["given"] = {{"method", "adamw.json"}, {"from", "first.safetensors"}};
  document["arms"]["wisca"]["from"] = {{"arm", "adamw"}, {"where", {{"method.learning_rate", 1e-3}}}};
  document["arms"]["after"] = {{"method", "adamw.json"}, {"from", "wisca"}};
  small_.write(document);
  const fs::path copy = freeze(request(), to_.path());
  EXPECT_EQ(ids(read_copy(copy)), ids(small_.read()));
  const Json arms = core::read_document(copy).root.at("arms");
  EXPECT_EQ(arms.at("given").at("from"), (small_.path() / "first.safetensors").string());
  EXPECT_EQ(arms.at("wisca").at("from").at("arm"), "adamw");
  EXPECT_EQ(arms.at("after").at("from"), "wisca");
}

TEST_F(Freeze, SaysWhatIsWrongWithAnOverride) {
  EXPECT_HOLDS(message_of<core::DocumentError>([&] { (void)freeze(request({"nonsense"}), to_.path()); }),
               "expected name=value");
  EXPECT_TRUE(fs::is_empty(to_.path()));
}

}  // namespace
}  // namespace isorbit::experiments
