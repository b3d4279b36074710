#include "experiments/sweep/selection.hpp"

#include <gtest/gtest.h>

#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

class Selecting : public testing::Test {
 protected:
  std::size_t count(std::vector<std::string> only) const {
    return select(sweep_, {std::move(only), {}}).size();
  }
  std::string refusal(std::vector<std::string> only) const {
    return message_of<core::DocumentError>([&] { (void)count(std::move(only)); });
  }
  SmallSweep small_;
  Sweep sweep_ = small_.read();  // adamw twice, poet, wisca, by two seeds
};

TEST_F(Selecting, TakesSeveralValuesOfANameAndSeveralLists) {
  EXPECT_EQ(count({"seed=0,1"}), 8U);
  EXPECT_EQ(count({"arm=poet,wisca,seed=1"}), 2U);
  EXPECT_EQ(count({"arm=poet,arm=wisca,seed=1"}), 2U);
  EXPECT_EQ(count({"arm=poet,seed=0", "arm=wisca"}), 3U);
  EXPECT_EQ(count({"learning_rate=1e-3,0.003,seed=0"}), 2U);
}

TEST_F(Selecting, TakesWildcardsOfArmsAndBeginningsOfIds) {
  EXPECT_EQ(count({"arm=*"}), 8U);
  EXPECT_EQ(count({"arm={poet,wisca},seed=0"}), 2U);
  EXPECT_EQ(count({"arm=?????"}), 6U);
  const std::string one = sweep_.cells[2].id, other = sweep_.cells[5].id;
  EXPECT_EQ(count({"id=" + one.substr(0, 8) + "," + other}), 2U);
}

TEST_F(Selecting, RefusesValuesNoCellHasAndSelectionsOfNothing) {
  EXPECT_HOLDS(refusal({"seed=7"}), "found seed \"7\"; expected one of \"0\", \"1\"");
  EXPECT_HOLDS(refusal({"arm=adamw,poett"}), "found arm \"poett\"");
  EXPECT_HOLDS(refusal({"learning_rate=0.5"}), "found learning_rate \"0.5\"");
  EXPECT_HOLDS(refusal({"id=zz"}), "found id \"zz\"");
  EXPECT_HOLDS(refusal({"poet"}), "expected name=value");
  EXPECT_HOLDS(refusal({"arm=poet,id=" + sweep_.cells[0].id}), "found no cell");
}

}  // namespace
}  // namespace isorbit::experiments
