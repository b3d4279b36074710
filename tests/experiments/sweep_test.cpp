#include "experiments/sweep/sweep.hpp"

#include <gtest/gtest.h>

#include <set>

#include "experiments/sweep/overrides.hpp"
#include "experiments/sweep/selection.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

std::vector<std::string> names_of(std::span<const Cell> cells) {
  std::vector<std::string> names;
  for (const Cell& cell : cells)
    names.push_back(cell.arm + " " + label_of(cell.changed) + " " + std::to_string(cell.seed));
  return names;
}

TEST(Sweep, MultipliesArmsTuneParametersAndSeedsInOrder) {
  const SmallSweep small;
  Json document = small.document();
  document["arms"].erase("wisca");
  document["parameters"] = {{"model.width", {16, 32}}};
  small.write(document);
  EXPECT_EQ(names_of(small.read().cells),
            (std::vector<std::string>{
                "adamw learning_rate=0.001,width=16 0", "adamw learning_rate=0.001,width=16 1",
                "adamw learning_rate=0.001,width=32 0", "adamw learning_rate=0.001,width=32 1",
                "adamw learning_rate=0.003,width=16 0", "adamw learning_rate=0.003,width=16 1",
                "adamw learning_rate=0.003,width=32 0", "adamw learning_rate=0.003,width=32 1",
                "poet width=16 0", "poet width=16 1", "poet width=32 0", "poet width=32 1"}));
}

TEST(Sweep, HoldsANullFieldForItsAbsence) {
  const SmallSweep small;
  Json method = core::read_document(small.path() / "adamw.json").root, document = small.document();
  document["arms"] = {{"adamw", {{"method", "adamw.json"}, {"when", nullptr}}}};
  document["training"]["batch"] = nullptr;
  small.write(document);
  std::set<std::string> ids;
  for (const bool null : {true, false}) {
    method.erase("clip_norm");
    if (null) method["clip_norm"] = nullptr;
    small.folder().write("adamw.json", method.dump());
    ids.insert(small.read().cells.front().id);
  }
  EXPECT_EQ(ids.size(), 1U) << "one cell under two spellings";
}

TEST(Sweep, MayCompareArmsByTheAccuracyOfATaskOfWhichMoreIsBetter) {
  const SmallSweep small;
  Json document = small.document();
  EXPECT_TRUE(small.read().minimize);
  document["metric"] = {{"name", "eval/agreement/accuracy"}};
  small.write(document);
  EXPECT_EQ(small.read().metric, "eval/agreement/accuracy");
  EXPECT_FALSE(small.read().minimize);
  document["metric"]["goal"] = "minimize";
  small.write(document);
  EXPECT_TRUE(small.read().minimize);
}

TEST(Sweep, AdvancesZippedListsTogether) {
  const SmallSweep small;
  Json document = small.document();
  document["arms"] = {{"poet", {{"method", "poet.json"}}}};
  document["compare"] = Json::object();
  document["seeds"] = {7};
  document["zip"] = Json::array({{{"model.width", {16, 32}}, {"training.steps", {4, 8}}}});
  small.write(document);
  const Sweep sweep = small.read();
  EXPECT_EQ(names_of(sweep.cells),
            (std::vector<std::string>{"poet width=16,steps=4 7", "poet width=32,steps=8 7"}));
  EXPECT_EQ(sweep.cells[1].facts.steps, 8);
  EXPECT_EQ(sweep.cells[1].facts.tokens, 8 * 4 * 16);
  EXPECT_EQ(sweep.cells[1].document.at("model").at("constants").at("width"), 32);
}

TEST(Sweep, KeepsTheClauseThatDroppedACombination) {
  const SmallSweep small;
  Json document = small.document();
  document["arms"] = {
      {"poet", {{"method", "poet.json"}, {"when", "model.width % method.block_size == 0 and seed < 1"}}}};
  document["compare"] = Json::object();
  document["parameters"] = {{"method.block_size", {8, 12}}, {"model.width", {16, 32}}};
  document["exclude"] = Json::array({{{"arm", "poet"}, {"model.width", 16}}});
  small.write(document);
  const Sweep sweep = small.read();
  EXPECT_EQ(names_of(sweep.cells), (std::vector<std::string>{"poet block_size=8,width=32 0"}));
  ASSERT_EQ(sweep.dropped.size(), 5U);
  EXPECT_EQ(sweep.dropped[0].clause, "exclude 0 {\"arm\":\"poet\",\"model.width\":16}");
  EXPECT_EQ(sweep.dropped[0].seed, 0);
  EXPECT_EQ(sweep.dropped[1].clause, "when \"model.width % method.block_size == 0 and seed < 1\" is false");
  EXPECT_EQ(sweep.dropped[1].seed, 1);
  EXPECT_EQ(label_of(sweep.dropped[4].changed), "block_size=12,width=32");
  EXPECT_FALSE(sweep.dropped[4].seed.has_value()) << "one line for all seeds";
}

TEST(Sweep, GivesEqualRunsOneIdAndOneCell) {
  const SmallSweep small;
  Json document = small.document();
  document["arms"] = {{"a", {{"method", "poet.json"}}},
                      {"b", {{"method", "poet.json"}, {"set", {{"block_size", 8}}}}}};
  document["compare"] = Json::object();
  small.write(document);
  const Sweep sweep = small.read();
  EXPECT_EQ(names_of(sweep.cells), (std::vector<std::string>{"a  0", "a  1"}));
  for (const Cell& cell : sweep.cells) {
    ASSERT_EQ(cell.also.size(), 1U);
    EXPECT_EQ(cell.also[0].arm, "b");
  }
}

TEST(Sweep, IdsDependOnWhatDecidesNumbersAndOnNothingElse) {
  const SmallSweep small;
  const Sweep before = small.read();
  std::set<std::string> ids;
  for (const Cell& cell : before.cells) ids.insert(cell.id);
  EXPECT_EQ(ids.size(), before.cells.size());
  Json document = small.document();
  document["name"] = "renamed";
  document["doc"] = "and described";
  document["seeds"] = {1, 0, 2};
  small.write(document);
  for (const Cell& cell : small.read().cells) EXPECT_EQ(ids.contains(cell.id), cell.seed != 2) << cell.arm;
  const Sweep longer = small.read({"training.steps=5"});
  for (const Cell& cell : longer.cells) EXPECT_FALSE(ids.contains(cell.id));
}

TEST(Sweep, PutsCellsInFoldersWithSafeNamesThatCarryTheId) {
  const SmallSweep small;
  Json document = small.document();
  document["parameters"] = {{"data.tokenizer", {"bytes"}}, {"model.width", {"8 * 4"}}};
  small.write(document);
  for (const Cell& cell : small.read().cells) {
    const std::string folder = cell.folder.string();
    EXPECT_EQ(folder.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789./_=,-"), std::string::npos)
        << folder;
    EXPECT_TRUE(folder.ends_with("-s" + std::to_string(cell.seed) + "-" + cell.id.substr(0, 8))) << folder;
    EXPECT_TRUE(folder.starts_with(cell.arm + "/"));
  }
}

TEST(Sweep, ReadsOverridesAsHydraDoes) {
  const SmallSweep small;
  const Sweep sweep = small.read({"training.steps=9", "model.width=16,32", "method.learning_rate=1e-2",
                                  "seeds=5", "arms.poet.set.block_size=4,8"});
  EXPECT_EQ(names_of(sweep.cells),
            (std::vector<std::string>{
                "adamw width=16,learning_rate=0.01 5", "adamw width=32,learning_rate=0.01 5",
                "poet block_size=4,width=16,learning_rate=0.01 5",
                "poet block_size=4,width=32,learning_rate=0.01 5",
                "poet block_size=8,width=16,learning_rate=0.01 5",
                "poet block_size=8,width=32,learning_rate=0.01 5", "wisca width=16,learning_rate=0.01 5",
                "wisca width=32,learning_rate=0.01 5"}));
  EXPECT_EQ(sweep.cells[0].facts.steps, 9);
  EXPECT_EQ(sweep.cells[0].document.at("method").at("constants").at("learning_rate"), 0.01);
}

TEST(Sweep, LetsASingleOverrideReplaceAnAxis) {
  const SmallSweep small;
  Json document = small.document();
  document["parameters"] = {{"model.width", {16, 32}}};
  small.write(document);
  for (const Cell& cell : small.read({"model.width=24"}).cells) {
    EXPECT_EQ(cell.document.at("model").at("constants").at("width"), 24);
    EXPECT_EQ(label_of(cell.changed).find("width"), std::string::npos);
  }
}

TEST(Sweep, KnowsWhereEveryValueCameFrom) {
  const SmallSweep small;
  const Sweep sweep = small.read({"training.steps=9"});
  const auto source = [&](const std::string& name) {
    for (const Origin& origin : sweep.cells[0].origins)
      if (origin.name == name) return origin.source;
    return std::string("no such value");
  };
  EXPECT_EQ(source("training.steps"), "command line training.steps=9");
  EXPECT_HOLDS(source("training.validate_every"), "sweep.json #/training/validate_every");
  EXPECT_EQ(source("training.checkpoint_every"), "default");
  EXPECT_HOLDS(source("model.width"), "model.json");
  EXPECT_HOLDS(source("method.warmup"), "adamw.json");
  EXPECT_HOLDS(source("method.learning_rate"), "sweep.json #/arms/adamw/tune/learning_rate");
  EXPECT_HOLDS(source("seed"), "sweep.json #/seeds");
}

TEST(Sweep, ChoosesASizeAsAParameter) {
  const SmallSweep small;
  Json document = small.document();
  document["arms"].erase("poet");
  document["parameters"] = {{"model.size", {"narrow"}}};
  small.write(document);
  EXPECT_EQ(small.read().cells[0].document.at("model").at("constants").at("width"), 24);
}

TEST(Sweep, SaysThatItIsTooLargeHoweverLargeItIs) {
  const SmallSweep small;
  Json model = core::read_document(small.path() / "model.json").root, sweep = small.document();
  Json values = Json::array();
  for (int i = 1; i <= 100; ++i) values.push_back(i);
  for (int i = 0; i < 160; ++i) {  // 1e320 combinations
    model["constants"]["free" + std::to_string(i)] = 1;
    sweep["parameters"]["model.free" + std::to_string(i)] = values;
  }
  small.folder().write("model.json", model.dump());
  small.write(sweep);
  EXPECT_HOLDS(message_of<core::DocumentError>([&] { (void)small.read(); }),
               "found more than 1e308 combinations; expected at most 100000");
}

TEST(Sweep, ThousandsOfArmsStandInTheirOrderAndStartFromEachOther) {
  const SmallSweep small;
  Json sweep = small.document();
  const Json adamw = {{"method", "adamw.json"}};
  sweep["arms"] = Json::object();
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "arm" + std::to_string(i);
    sweep["arms"].push_back({name, adamw});
    sweep["arms"][name]["set"] = {{"learning_rate", 1e-3 + i * 1e-7}};
  }
  sweep["arms"]["arm0"]["from"] = "arm1999";
  sweep["seeds"] = {0};
  sweep["compare"] = Json::object();
  small.write(sweep);
  const std::vector<Cell> cells = small.read().cells;
  ASSERT_EQ(cells.size(), 2000U);
  EXPECT_EQ(cells.front().arm, "arm1");
  EXPECT_EQ(cells.back().arm, "arm0") << "after the one it starts from";
}

TEST(Overrides, SplitAtCommasOutsideBracketsAndQuotes) {
  EXPECT_EQ(split_values("1,2.5,true"), (std::vector<Json>{1, 2.5, true}));
  EXPECT_EQ(split_values("[1,2]"), (std::vector<Json>{Json::array({1, 2})}));
  EXPECT_EQ(split_values("bytes,{\"kind\":\"bpe\",\"vocab\":512}"),
            (std::vector<Json>{"bytes", Json{{"kind", "bpe"}, {"vocab", 512}}}));
  EXPECT_EQ(split_values("\"a,b\""), (std::vector<Json>{"a,b"}));
  EXPECT_EQ(split_values(""), (std::vector<Json>{""}));
}

TEST(Selection, KeepsTheCellsThatItsTermsHoldFor) {
  const Sweep sweep = SmallSweep().read();
  EXPECT_EQ(names_of(select(sweep, {{"arm=adamw,learning_rate=3e-3,seed=1"}, {}})),
            (std::vector<std::string>{"adamw learning_rate=0.003 1"}));
  EXPECT_EQ(select(sweep, {{"arm=poet", "arm=wisca,seed=0"}, {}}).size(), 3U);
  EXPECT_EQ(select(sweep, {{}, 3}).size(), 3U);
  EXPECT_EQ(select(sweep, {{"id=" + sweep.cells[2].id.substr(0, 8)}, {}}).front().id, sweep.cells[2].id);
}

}  // namespace
}  // namespace isorbit::experiments
