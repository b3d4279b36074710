// isorbit symmetries, as people and as programs read it.
#include <gtest/gtest.h>

#include <sstream>

#include "core/document/json.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

Ran symmetries(const std::string& arguments) {
  const TemporaryFolder folder;
  return run_program(folder.path(),
                     "symmetries " + std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/" + arguments);
}

TEST(SymmetriesVerb, PrintsKindsWithTheirGranularitiesAndWhatIsNotScaled) {
  const Ran ran = symmetries("llama.json --size micro --set kv_heads=2");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("layers.0.attn.q.weight rows c, layers.0.attn.k.weight rows 1/c\n"),
            std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("\nnot scaled\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("  gate rows: silu is not homogeneous\n"), std::string::npos) << ran.out;
}

TEST(SymmetriesVerb, GivesAnObjectALineWithEveryPlace) {
  const Ran ran = symmetries("llama.json --size micro --set kv_heads=2 --json");
  ASSERT_EQ(ran.code, 0) << ran.err;
  std::map<std::string, Json> kinds;
  std::size_t refused = 0;
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    const Json object = Json::parse(line);
    if (object.contains("kind")) {
      kinds[object.at("kind")] = object;
    } else {
      EXPECT_TRUE(object.contains("refused") && object.contains("because") && object.contains("parameter"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
  const Json& pair = kinds.at("v-o");
  EXPECT_EQ(pair.at("factors"), (Json{{"tensor", 1}, {"kv_group", 2}, {"channel", 64}}));
  EXPECT_EQ(pair.at("places").size(), 2U);
  EXPECT_EQ(pair.at("places")[1].at("name"), "layers.1.attn.v~layers.1.attn.o");
  EXPECT_EQ(
      pair.at("places")[1].at("weights")[1],
      (Json{{"parameter", "layers.1.attn.o.weight"}, {"axis", "columns"}, {"power", -1.0}, {"bias", false}}));
  EXPECT_EQ(pair.at("refused")[0].at("per"), "query head");
}

TEST(SymmetriesVerb, SaysWhatIsWrongWithItsModel) {
  const Ran ran = symmetries("none.json");
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("none.json"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace isorbit::experiments
