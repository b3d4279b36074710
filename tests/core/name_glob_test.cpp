#include "core/passes/name_glob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace isorbit::core {
namespace {

TEST(NameGlob, MatchesWholeNamesWithRunsCharactersAndAlternatives) {
  EXPECT_TRUE(matches("*", "layers.0.attn.q.weight"));
  EXPECT_TRUE(matches("layers.*.{attn,mlp}.*.weight", "layers.11.mlp.up.weight"));
  EXPECT_FALSE(matches("layers.*.{attn,mlp}.*.weight", "layers.11.n1.weight"));
  EXPECT_TRUE(matches("{a,b{1,2}}?", "b2x"));
  EXPECT_FALSE(matches("{a,b{1,2}}?", "b3x"));
  EXPECT_TRUE(matches("a{,b}", "a"));
  EXPECT_FALSE(matches("layers", "layers.0"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("?", ""));
}

TEST(NameGlob, TakesABraceThatIsNotClosedForItself) {
  EXPECT_TRUE(matches("a{b", "a{b"));
  EXPECT_FALSE(matches("a{b", "ab"));
}

TEST(NameGlob, IsNotSlowedDownByPatternsOfManyRuns) {
  std::string glob;
  for (int i = 0; i < 200; ++i) glob += "*a";
  EXPECT_FALSE(matches(glob + "b", std::string(2000, 'a')));
  EXPECT_FALSE(matches(std::string(5000, '{'), "x"));
}

}  // namespace
}  // namespace isorbit::core
