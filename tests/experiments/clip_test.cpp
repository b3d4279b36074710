// The limit of gradients, and its re-warm after merges.
#include "experiments/clip.hpp"

#include <gtest/gtest.h>

#include "experiments/method.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

constexpr const char* kText = R"({ "name": "m",
  "clip_norm": { "norm": 0.5, "rewarm": { "from": 0.2, "over": 10, "until": 100 } },
  "groups": [ { "parameters": "*", "update": [ { "kind": "learning_rate", "value": 1 } ],
                "events": [ { "kind": "merge", "every": 20 } ] } ] })";

TEST(Clip, GrowsBackToItsNormAfterEveryMergeOfTheFirstUpdates) {
  const Clip clip = read_method(core::parse_document(kText, "m.json")).clip_norm.value();
  EXPECT_EQ(clip.limit(0, std::nullopt), 0.5) << "nothing was merged";
  EXPECT_DOUBLE_EQ(clip.limit(20, 0), 0.1);
  EXPECT_DOUBLE_EQ(clip.limit(25, 5), 0.3);
  EXPECT_DOUBLE_EQ(clip.limit(30, 10), 0.5);
  EXPECT_DOUBLE_EQ(clip.limit(39, 19), 0.5);
  EXPECT_DOUBLE_EQ(clip.limit(99, 0), 0.1);
  EXPECT_DOUBLE_EQ(clip.limit(100, 0), 0.5);
}

TEST(Clip, ANumberIsALimitThatStays) {
  Json document = Json::parse(kText);
  document["clip_norm"] = 2;
  const Clip clip = read_method({"m.json", document, {}}).clip_norm.value();
  EXPECT_EQ(clip.limit(20, 0), 2);
}

TEST(Clip, RefusesToReWarmAfterMergesThatNeverCome) {
  Json document = Json::parse(kText);
  document["groups"][0].erase("events");
  try {
    (void)read_method({"m.json", document, {}});
    FAIL();
  } catch (const core::DocumentError& error) {
    EXPECT_NE(std::string(error.what()).find("/clip_norm/rewarm: found a limit re-warmed after merges"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace isorbit::experiments
