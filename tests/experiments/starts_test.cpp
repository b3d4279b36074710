// "from": which cell's or file's weights a cell starts from, and what that changes of the sweep.
#include "experiments/sweep/starts.hpp"

#include <gtest/gtest.h>

#include "core/record/tensor_file.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/plan.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/selection.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

class FromAnArm : public testing::Test {
 protected:
  /// An arm "after" that starts from the arm "before", declared in this order.
  Json document(const Json& before = {{"method", "adamw.json"}}) const {
    Json document = small_.document();
    document["arms"] = {{"after", {{"method", "wisca.json"}, {"from", "before"}}}, {"before", before}};
    document["compare"] = Json::object();
    return document;
  }
  Sweep read(const Json& document) const {
    small_.write(document);
    return small_.read();
  }
  std::string refusal(const Json& document) const {
    return message_of<core::DocumentError>([&] { (void)read(document); });
  }
  static const Cell& cell(const Sweep& sweep, const std::string& arm, std::int64_t seed) {
    for (const Cell& cell : sweep.cells)
      if (cell.arm == arm && cell.seed == seed) return cell;
    throw std::out_of_range(arm);
  }

  SmallSweep small_;
};

TEST_F(FromAnArm, MeansTheCellWithTheSameSeedAndComesAfterIt) {
  const Sweep sweep = read(document());
  ASSERT_EQ(sweep.cells.size(), 4U);
  EXPECT_EQ(sweep.cells[0].arm, "before");
  EXPECT_FALSE(sweep.cells[0].from.has_value());
  for (const std::int64_t seed : {0, 1}) {
    const Cell& after = cell(sweep, "after", seed);
    ASSERT_TRUE(after.from.has_value());
    EXPECT_EQ(after.from->id, cell(sweep, "before", seed).id);
    EXPECT_EQ(after.from->folder, cell(sweep, "before", seed).folder);
    EXPECT_EQ(after.document.at("from").at("cell"), after.from->id);
  }
}

TEST_F(FromAnArm, PutsTheIdOfThatCellIntoItsOwn) {
  const Sweep sweep = read(document()),
              other = read(document({{"method", "adamw.json"}, {"set", {{"learning_rate", 2e-3}}}}));
  Json alone = document();
  alone["arms"]["after"].erase("from");
  const std::string id = cell(sweep, "after", 0).id;
  EXPECT_NE(id, cell(other, "after", 0).id) << "it starts from other weights";
  EXPECT_NE(id, cell(read(alone), "after", 0).id) << "it starts from drawn weights";
  EXPECT_EQ(id, cell(read(document()), "after", 0).id);
}

TEST_F(FromAnArm, FollowsWhatBothVaryAndLeavesWhatTheOtherDoesNot) {
  Json swept = document();
  swept["parameters"] = {{"model.width", {16, 32}}, {"method.warmup", {1}}};
  const Sweep sweep = read(swept);
  ASSERT_EQ(sweep.cells.size(), 8U);
  std::map<std::string, const Cell*> by_id;
  for (const Cell& cell : sweep.cells) by_id[cell.id] = &cell;
  for (const Cell& cell : sweep.cells) {
    if (!cell.from) continue;
    const Cell& source = *by_id.at(cell.from->id);
    EXPECT_EQ(source.seed, cell.seed);
    EXPECT_EQ(source.document.at("model"), cell.document.at("model"));
  }
}

TEST_F(FromAnArm, WhereChoosesAmongTunedCells) {
  Json swept = document({{"method", "adamw.json"}, {"tune", {{"learning_rate", {1e-3, 3e-3}}}}});
  EXPECT_HOLDS(refusal(swept),
               "could start from 2 of them: learning_rate=0.001; learning_rate=0.003; did you mean "
               "{\"arm\":\"before\",\"where\":{\"method.learning_rate\":0.001}}?");
  swept["arms"]["after"]["from"] = {{"arm", "before"}, {"where", {{"method.learning_rate", 3e-3}}}};
  const Sweep sweep = read(swept);
  const CellStart from = cell(sweep, "after", 1).from.value();
  for (const Cell& cell : sweep.cells) {
    if (cell.id == from.id) {
      EXPECT_EQ(label_of(cell.changed), "learning_rate=0.003");
    }
  }
}

TEST_F(FromAnArm, IsRefusedWhereThatArmHasNoSuchCell) {
  Json dropped = document();
  dropped["exclude"] = Json::array({{{"arm", "before"}, {"seed", 1}}});
  EXPECT_HOLDS(refusal(dropped),
               "no cell of arm \"before\" has the seed and the values of \"after\" seed 1; exclude 0");
}

TEST_F(FromAnArm, NeedsAParametrizationThatKeepsTheWeights) {
  Json drawn = document();
  drawn["arms"]["after"] = {{"method", "poet.json"}, {"from", "before"}};
  EXPECT_HOLDS(refusal(drawn), "found \"normalized_gaussian\"; expected \"model\"");
  EXPECT_HOLDS(refusal(drawn), "did you mean \"model\"?");
}

TEST_F(FromAnArm, NeedsTheSameModel) {
  Json other = document();
  other["parameters"] = {{"model.width", {16, 32}}};
  other["arms"]["after"]["from"] = {{"arm", "before"}, {"where", {{"model.width", 16}}}};
  EXPECT_HOLDS(refusal(other), "is [256, 16] where the model's is [256, 32]");
}

TEST_F(FromAnArm, IsInThePlanAndTheManifest) {
  const Sweep sweep = read(document());
  const std::filesystem::path folder = small_.path() / "runs";
  const std::string text = plan_text(sweep, sweep.cells, folder);
  EXPECT_HOLDS(text, "before " + short_id(cell(sweep, "before", 1).id));
  EXPECT_HOLDS(plan_json(sweep, sweep.cells, folder), cell(sweep, "before", 1).folder.string());
  write_manifest(folder, sweep);
  EXPECT_EQ(manifest_of(read_manifest(folder)), manifest_of(sweep));
}

TEST_F(FromAnArm, IsAskedForWhenASelectionLeavesItOut) {
  const Sweep sweep = read(document());
  const std::vector<Cell> after = select(sweep, {{"arm=after"}, {}});
  const std::string message = message_of<core::DocumentError>(
      [&] { check_sources(after, [](const Cell& cell) { return cell.seed == 0; }); });
  EXPECT_HOLDS(message, "did you mean --only id=" + short_id(cell(sweep, "before", 1).id) + "?");
  EXPECT_EQ(message.find(short_id(cell(sweep, "before", 0).id)), message.npos) << "that one is there";
  check_sources(sweep.cells, [](const Cell& cell) { return !cell.from; });
}

TEST_F(FromAnArm, TakesTheArmsOwnTrainingAndData) {
  Json tuned = document();
  tuned["arms"]["after"]["training"] = {{"steps", 9}};
  const Sweep sweep = read(tuned);
  EXPECT_EQ(cell(sweep, "after", 0).facts.steps, 9);
  EXPECT_EQ(cell(sweep, "before", 0).facts.steps, 4);
  EXPECT_EQ(cell(sweep, "after", 0).document.at("training").at("validate_every"), 2);
  tuned["arms"]["after"]["data"] = {{"corpus", "verse"}};
  EXPECT_HOLDS(refusal(tuned), "#/arms/after/data/corpus: found \"verse\"");
}

TEST_F(FromAnArm, OrAFileByItsDigest) {
  const Sweep plain = read(document());
  const core::OpSet& ops = every_op();
  const core::Model model = core::read_model(core::read_document(small_.path() / "model.json"), ops);
  std::map<std::string, std::vector<float>> values;
  std::vector<core::TensorView> views;
  for (const auto& [name, shape] : shapes_of(model)) {
    values[name].assign(static_cast<std::size_t>(shape.elements()), 0.5F);
    views.push_back(core::view_of<float>(name, shape.dims(), values[name]));
  }
  core::write_tensors(small_.path() / "given.safetensors", views);
  Json given = document();
  given["arms"]["after"]["from"] = "given.safetensors";
  const Cell first = cell(read(given), "after", 0);
  EXPECT_EQ(first.from->file.filename(), "given.safetensors");
  values.begin()->second[0] = 0.25F;
  core::write_tensors(small_.path() / "given.safetensors", views);
  EXPECT_NE(cell(read(given), "after", 0).id, first.id);
  views.pop_back();
  core::write_tensors(small_.path() / "given.safetensors", views);
  EXPECT_HOLDS(refusal(given), "there is no tensor");
}

TEST_F(FromAnArm, OrAFileInAnotherFormWhichIsNamedWithTheWayOut) {
  Json given = document();
  given["arms"]["after"]["from"] = "theirs";
  for (const char* start : {"PK\x03\x04 and more", "\x80\x02 and more"}) {
    small_.folder().write("theirs/pytorch_model.bin", start);
    EXPECT_HOLDS(refusal(given), "theirs: its weights are pickled, which is not read; model.save_pretrained(DIR, "
                                 "safe_serialization=True) writes a model.safetensors in Python");
  }
  given["arms"]["after"]["from"] = "theirs/pytorch_model.bin";
  EXPECT_HOLDS(refusal(given), "theirs/pytorch_model.bin: its weights are pickled");
  small_.folder().write("parts/model.safetensors.index.json", "{}");
  small_.folder().write("parts/model-00002-of-00002.safetensors", "");
  small_.folder().write("parts/model-00001-of-00002.safetensors", "");
  for (const char* name : {"parts", "parts/model.safetensors.index.json"}) {
    given["arms"]["after"]["from"] = name;
    EXPECT_HOLDS(refusal(given), ": its weights are in several files (model-00001-of-00002.safetensors, "
                                 "model-00002-of-00002.safetensors), which is not read");
  }
}

}  // namespace
}  // namespace isorbit::experiments
