#include <gtest/gtest.h>

#include "core/document/problem.hpp"

namespace isorbit::core {
namespace {

TEST(Problem, TextNamesPlaceFoundExpectedBecauseAndSuggestion) {
  Problem problem{"f.json", {12, 9}, "/arms/poet", "48", "a divisor of 320", "\"up\" is [320, 128]", "64"};
  EXPECT_EQ(problem.text(),
            "f.json:12:9 #/arms/poet: found 48; expected a divisor of 320; because \"up\" is [320, 128]; did "
            "you mean 64?");
  problem.because.clear();
  problem.suggestion.clear();
  EXPECT_EQ(problem.text(), "f.json:12:9 #/arms/poet: found 48; expected a divisor of 320");
  problem.position = {};
  EXPECT_EQ(problem.text(), "f.json #/arms/poet: found 48; expected a divisor of 320");
  problem.file.clear();
  EXPECT_EQ(problem.text(), "#/arms/poet: found 48; expected a divisor of 320");
}

TEST(Problems, AreThrownTogetherInTheOrderFound) {
  const auto document = parse_document("{\"a\": 1,\n \"b\": 2}", "f.json");
  Problems problems;
  EXPECT_TRUE(problems.empty());
  EXPECT_NO_THROW(problems.throw_if_any());
  problems.add(document, "/b", "2", "3");
  problems.add(document, "/a", "1", "4", "so it is", "5");
  EXPECT_EQ(problems.size(), 2U);
  try {
    problems.throw_if_any();
    FAIL() << "nothing was thrown";
  } catch (const DocumentError& error) {
    EXPECT_STREQ(error.what(),
                 "f.json:2:7 #/b: found 2; expected 3\n"
                 "f.json:1:7 #/a: found 1; expected 4; because so it is; did you mean 5?");
    EXPECT_EQ(error.problems().size(), 2U);
  }
}

TEST(Nearest, FindsTyposAndLeavesOtherWordsAlone) {
  const std::vector<std::string> words = {"adam", "lion", "block_size", "learning_rate", "k"};
  EXPECT_EQ(nearest("adamm", words), "adam");
  EXPECT_EQ(nearest("Adam", words), "adam");
  EXPECT_EQ(nearest("ilon", words), "lion");
  EXPECT_EQ(nearest("blok_siez", words), "block_size");
  EXPECT_EQ(nearest("learning-rate", words), "learning_rate");
  EXPECT_EQ(nearest("momentum", words), std::nullopt);
  EXPECT_EQ(nearest("q", words), std::nullopt);
  EXPECT_EQ(nearest("", words), std::nullopt);
  EXPECT_EQ(nearest("adam", {}), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000000, 'a'), words), std::nullopt);
}

TEST(Nearest, TakesTheClosestOfSeveral) {
  const std::vector<std::string> words = {"heads", "head_dim", "kv_heads"};
  EXPECT_EQ(nearest("headz", words), "heads");
  EXPECT_EQ(nearest("kv_head", words), "kv_heads");
}

TEST(Nearest, KnowsTheWordsOfOtherPrograms) {
  const std::vector<std::string> words = {"learning_rate", "warmup",      "rms_norm",
                                          "linear",        "model.depth", "adamw"};
  EXPECT_EQ(nearest("lr", words), "learning_rate");
  EXPECT_EQ(nearest("num_warmup_steps", words), "warmup");
  EXPECT_EQ(nearest("RMSNorm", words), "rms_norm");
  EXPECT_EQ(nearest("nn.Linear", words), "linear");
  EXPECT_EQ(nearest("torch.optim.AdamW", words), "adamw");
  EXPECT_EQ(nearest("depth", words), "model.depth");
  EXPECT_EQ(nearest("model.n_layer", words), "model.depth");
  EXPECT_EQ(nearest("hidden_size", words), std::nullopt) << "the words decide";
  const std::vector<std::string> files = {"poet.json", "embed.weight"};
  EXPECT_EQ(nearest("wholly_other.json", files), std::nullopt);
  EXPECT_EQ(nearest("h.0.attn.weight", files), std::nullopt);
}

TEST(Shown, QuotesTextsAndCutsLongValuesBetweenCharacters) {
  EXPECT_EQ(shown(Json("a\"b")), "\"a\\\"b\"");
  EXPECT_EQ(shown(Json(1.5)), "1.5");
  EXPECT_EQ(shown(Json::parse("{\"a\":[1,null]}")), "{\"a\":[1,null]}");
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "é";
  const std::string cut = shown(Json(wide));
  EXPECT_LT(cut.size(), 100U);
  EXPECT_TRUE(cut.ends_with("é...\""));
  EXPECT_EQ(shown(Json("\xFF")), "\"\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace isorbit::core
