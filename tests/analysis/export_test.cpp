#include "analysis/export.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <limits>
#include <sstream>
#include <system_error>

namespace isorbit::analysis {
namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

core::RunRecord record_of(double loss) {
  core::RunRecord record;
  record.series = {
      {"event",
       {{"step", Integers{2, 2}, "", ""},
        {"kind", Texts{"merge", "rescale"}, "", ""},
        {"parameter", Texts{"a,b", "layers.3.attn.q.weight"}, "", ""},
        {"factor", Numbers{NAN, 0.5}, "1", ""}}},
      {"train",
       {{"step", Integers{1, 2}, "", ""},
        {"loss", Numbers{loss, std::numeric_limits<double>::quiet_NaN()}, "nats", ""}}},
      {"measure/layers.3.attn.q.weight",
       {{"step", Integers{0, 2, 2}, "", ""}, {"stable_rank", Numbers{1, 2, 3}, "1", ""}}},
      {"eval/cloze", {{"step", Integers{2}, "", ""}, {"normalization", Texts{"bytes"}, "", ""}}},
      {"eval/cloze/items",
       {{"item", Integers{0, 1}, "", ""},
        {"sentence", Texts{"a ___", "=b ___"}, "", ""},
        {"chosen", Integers{3, 1}, "1", ""}}},
      {"segment", {{"start_step", Integers{0, 0}, "", ""}, {"resumed_from", Integers{-1, 0}, "1", ""}}}};
  record.spectra = {{"w", {0, 2}, 2, {3.0F, 1.5F, 2.5F, 0.1F}, {2, 4}, "svd"}};
  return record;
}

LabelledRun run(const char* id, const char* arm, std::int64_t seed, double loss) {
  LabelledRun out{{id, arm, {}, seed, {}}, [loss] { return record_of(loss); }};
  out.label.short_id = id;
  return out;
}

std::vector<LabelledRun> runs() {
  std::vector<LabelledRun> out = {run("id0", "poet", 0, 0.1), run("id1", "adamw", 1, 1.0 / 3),
                                  run("id2", "adamw", 2, 0)};
  out[0].label.changed = {{"method.block_size", "64"}};
  out[1].label.state = {"failed", "diverged at step 2", ""};
  out[2].label.state = {"planned", "missing", ""};
  out[2].load = nullptr;
  return out;
}

std::string csv(ExportOptions options) {
  std::ostringstream out;
  EXPECT_TRUE(export_csv(runs(), options, out).unread.empty());
  return out.str();
}

TEST(Export, WritesARowForEveryNumberTyped) {
  const std::string of_a_run =
      "train,,,,,loss,1,LOSS,nats\n"
      "train,,,,,loss,2,nan,nats\n"
      "measure,layers.3.attn.q.weight,3,attn.q,,stable_rank,0,1,1\n"
      "measure,layers.3.attn.q.weight,3,attn.q,,stable_rank,2,2,1\n"
      "measure,layers.3.attn.q.weight,3,attn.q,,stable_rank,2,3,1\n"
      "eval/cloze/items,,,,0,chosen,2,3,1\n"
      "eval/cloze/items,,,,1,chosen,2,1,1\n"
      "segment,,,,,resumed_from,0,-1,1\n"
      "segment,,,,,resumed_from,0,0,1\n"
      "spectrum,w,,w,0,singular_value,0,3,1\n"
      "spectrum,w,,w,0,singular_value,2,2.5,1\n"
      "spectrum,w,,w,1,singular_value,0,1.5,1\n"
      "spectrum,w,,w,1,singular_value,2,0.1,1\n";
  std::string expected =
      "cell,arm,seed,method.block_size,state,series,parameter,layer,kind,index,column,step,value,unit\n";
  for (const auto& [prefix, loss] :
       {std::pair("id0,poet,0,64,done,", "0.1"), std::pair("id1,adamw,1,,failed,", "0.3333333333333333")}) {
    std::istringstream lines(of_a_run);
    for (std::string line; std::getline(lines, line);) {
      if (const std::size_t at = line.find("LOSS"); at != std::string::npos) line.replace(at, 4, loss);
      expected += prefix + line + "\n";
    }
  }
  EXPECT_EQ(csv({}), expected);
}

TEST(Export, PutsSeriesSideBySideWithOneRowAStep) {
  EXPECT_EQ(csv({CsvTable::steps}),
            "cell,arm,seed,method.block_size,state,step,train/loss,measure/layers.3.attn.q.weight/"
            "stable_rank,spectrum/w/0,spectrum/w/1\n"
            "id0,poet,0,64,done,0,,1,3,1.5\n"
            "id0,poet,0,64,done,1,0.1,,,\n"
            "id0,poet,0,64,done,2,nan,3,2.5,0.1\n"
            "id1,adamw,1,,failed,0,,1,3,1.5\n"
            "id1,adamw,1,,failed,1,0.3333333333333333,,,\n"
            "id1,adamw,1,,failed,2,nan,3,2.5,0.1\n")
      << "of several rows of a series at a step the last";
}

TEST(Export, GivesEventsATableOfTheirOwn) {
  EXPECT_EQ(csv({CsvTable::events}),
            "cell,arm,seed,method.block_size,state,step,kind,parameter,layer,factor\n"
            "id0,poet,0,64,done,2,merge,\"a,b\",,nan\n"
            "id0,poet,0,64,done,2,rescale,layers.3.attn.q.weight,3,0.5\n"
            "id1,adamw,1,,failed,2,merge,\"a,b\",,nan\n"
            "id1,adamw,1,,failed,2,rescale,layers.3.attn.q.weight,3,0.5\n");
}

TEST(Export, GivesTextsATableOfTheirOwnAndASpreadsheetNothingToRun) {
  const std::string texts = csv({CsvTable::texts});
  EXPECT_TRUE(
      texts.starts_with("cell,arm,seed,method.block_size,state,series,index,column,step,text\n"
                        "id0,poet,0,64,done,eval/cloze,,normalization,2,bytes\n"
                        "id0,poet,0,64,done,eval/cloze/items,0,sentence,2,a ___\n"
                        "id0,poet,0,64,done,eval/cloze/items,1,sentence,2,=b ___\n"))
      << texts;
  const std::string safe = csv({CsvTable::texts, "*", true});
  EXPECT_NE(safe.find("sentence,2,'=b ___\n"), std::string::npos) << safe;
  std::vector<LabelledRun> all = runs();
  all[0].label.arm = "=cmd|' /C calc'!A0";
  all[0].label.changed = {{"method.rate", "-0.5"}};
  std::ostringstream out;
  EXPECT_TRUE(export_csv(all, {CsvTable::values, "train/*", true}, out).unread.empty());
  EXPECT_NE(out.str().find("\nid0,'=cmd|' /C calc'!A0,0,-0.5,done,"), std::string::npos) << out.str();
}

TEST(Export, TakesSeriesThatFitAPatternAndNamesThoseThereAre) {
  EXPECT_EQ(csv({CsvTable::steps, "{train/loss,spectrum/*}"}).substr(0, 80),
            "cell,arm,seed,method.block_size,state,step,train/loss,spectrum/w/0,spectrum/w/1\n");
  for (const CsvTable table : {CsvTable::values, CsvTable::steps}) {
    std::ostringstream out;
    const Exported exported = export_csv(runs(), {table, "trian/loss"}, out);
    EXPECT_EQ(out.str(), "");
    ASSERT_FALSE(exported.series.empty());
    EXPECT_EQ(exported.series.back(), "train/loss");
  }
}

TEST(Export, GoesOnWithoutARunThatCannotBeRead) {
  for (const CsvTable table : {CsvTable::values, CsvTable::steps, CsvTable::events, CsvTable::texts}) {
    std::vector<LabelledRun> all = runs();
    all[0].load = []() -> core::RunRecord {
      throw std::system_error(EIO, std::generic_category(), "run.h5");
    };
    std::ostringstream out;
    const Exported exported = export_csv(all, {table}, out);
    ASSERT_EQ(exported.unread.size(), 1U);
    EXPECT_EQ(exported.unread[0].reason, "run.h5: Input/output error");
    EXPECT_NE(out.str().find("\nid1,"), std::string::npos);
    EXPECT_EQ(out.str().find("\nid0,"), std::string::npos);
  }
}

TEST(Export, SaysWhenTheOutputFails) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_THROW((void)export_csv(runs(), {}, out), std::runtime_error);
}

}  // namespace
}  // namespace isorbit::analysis
