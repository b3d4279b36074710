#include "experiments/data/valid_cut.hpp"

#include <gtest/gtest.h>

#include <map>

namespace isorbit::experiments {
namespace {

TEST(ValidCut, EveryItemWeighsTheSameWhateverTheBatch) {
  for (const std::int64_t items : {1, 5, 16, 33, 256})
    for (const std::int64_t batch : {1, 2, 4, 6, 7, 16, 48, 300}) {
      const ValidCut cut(items, batch);
      EXPECT_EQ(cut.items(), items);
      std::map<std::int64_t, double> weight;  // of an item in the mean over the rows of its batches
      double all = 0;
      for (std::int64_t index = 0; index < cut.batches(); ++index) {
        all += cut.share(index);
        for (std::int64_t row = 0; row < batch; ++row)
          weight[cut.item(index, row)] += cut.share(index) / static_cast<double>(batch);
      }
      EXPECT_NEAR(all * static_cast<double>(batch), static_cast<double>(items), 1e-9);
      EXPECT_EQ(weight.size(), static_cast<std::size_t>(items));
      EXPECT_EQ(weight.begin()->first, 0);
      EXPECT_EQ(weight.rbegin()->first, items - 1);
      for (const auto& [item, share] : weight) EXPECT_NEAR(share * static_cast<double>(batch), 1, 1e-12);
    }
}

TEST(ValidCut, WholeBatchesComeFirstAndWhatIsLeftTakesFewMore) {
  EXPECT_EQ(ValidCut(256, 16).batches(), 16);
  EXPECT_EQ(ValidCut(256, 16).share(15), 1);
  EXPECT_EQ(ValidCut(32, 48).batches(), 2);  // 24 twice each, 8 six times each
  EXPECT_EQ(ValidCut(3, 64).batches(), 2);
  EXPECT_EQ(ValidCut(3, 64).share(0), 2.0 / 64);
}

}  // namespace
}  // namespace isorbit::experiments
