#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

namespace {

TEST(Gather, TakesRowsByIndex) {
  const auto table = numbers({3, 2}, {0, 1, 10, 11, 20, 21});
  const auto found = run("gather", {table, indices({2, 2}, {2, 0, 0, 1})});
  EXPECT_EQ(found.outputs[0], (std::vector<float>{20, 21, 0, 1, 0, 1, 10, 11}));
}

TEST(Gather, PermutesColumns) {
  const auto x = numbers({2, 3}, {0, 1, 2, 10, 11, 12});
  const auto found = run("gather", {x, indices({3}, {2, 0, 1})}, {{"axis", 1}});
  EXPECT_EQ(found.outputs[0], (std::vector<float>{2, 0, 1, 12, 10, 11}));
}

TEST(Gather, OfAPermutationIsUndoneByScatterAdd) {
  const Operand x = normal({40, 96}, "x"), order = indices({96}, 96, true, "order");
  Operand taken = numbers({40, 96}, {});
  const std::vector<float> y = run("gather", {x, order}, {{"axis", 1}}).outputs[0];
  taken.values.assign(y.begin(), y.end());
  const Operand zero = numbers({40, 96}, std::vector<double>(40 * 96, 0.0));
  const auto back = run("scatter_add", {zero, order, taken}, {{"axis", 1}}).outputs[0];
  EXPECT_EQ(relative_error(back, x.values), 0);
}

TEST(Gather, GivesTheSameBitsOnTwoThreads) {
  const Operand x = normal({500, 130}, "x"), rows = indices({3000}, 500, false, "rows");
  EXPECT_EQ(run("gather", {x, rows}).outputs, run("gather", {x, rows}, core::Json::object(), 2).outputs);
  const Operand columns = indices({130}, 130, true, "columns");
  const core::Json axis = {{"axis", 1}};
  EXPECT_EQ(run("gather", {x, columns}, axis).outputs, run("gather", {x, columns}, axis, 2).outputs);
}

TEST(Gather, ReferenceRefusesAnIndexOutside) {
  const auto x = numbers({2, 1}, {1, 2});
  EXPECT_THROW((void)reference("gather", {x, indices({1}, {2})}), std::out_of_range);
  EXPECT_THROW((void)reference("gather", {x, indices({1}, {-1})}), std::out_of_range);
}

TEST(ScatterAdd, AccumulatesRepeatedIndices) {
  const auto x = numbers({2, 2}, {1, 1, 1, 1});
  const auto updates = numbers({3, 2}, {1, 2, 10, 20, 100, 200});
  EXPECT_EQ(run("scatter_add", {x, indices({3}, {1, 0, 1}), updates}).outputs[0],
            (std::vector<float>{11, 21, 102, 203}));
}

TEST(ScatterAdd, AddsInTheOrderOfTheIndices) {
  const auto x = numbers({1}, {0});
  const float big = 1e8F;
  EXPECT_EQ(run("scatter_add", {x, indices({3}, {0, 0, 0}), numbers({3}, {big, -big, 1})}).outputs[0][0],
            1.0F);
  EXPECT_EQ(run("scatter_add", {x, indices({3}, {0, 0, 0}), numbers({3}, {1, big, -big})}).outputs[0][0],
            0.0F);
}

TEST(ScatterAdd, GivesTheSameBitsOnTwoThreads) {
  const Operand x = normal({50, 130}, "x"), index = indices({2000}, 50, false, "index");
  const Operand updates = normal({2000, 130}, "updates");
  EXPECT_EQ(run("scatter_add", {x, index, updates}).outputs,
            run("scatter_add", {x, index, updates}, core::Json::object(), 2).outputs);
  const Operand wide = normal({60, 400}, "wide"), columns = indices({900}, 400, false, "columns");
  const Operand more = normal({60, 900}, "more");
  const core::Json axis = {{"axis", 1}};
  EXPECT_EQ(run("scatter_add", {wide, columns, more}, axis).outputs,
            run("scatter_add", {wide, columns, more}, axis, 2).outputs);
}

TEST(Embedding, GivesEveryTokenItsRow) {
  const auto tokens = indices({1, 3}, {1, 0, 1});
  const auto weight = numbers({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(run("embedding", {tokens, weight}, {{"rows", 2}, {"units", 2}}).outputs[0],
            (std::vector<float>{3, 4, 1, 2, 3, 4}));
}

TEST(PositionEmbedding, AddsTheSameTableToEverySequence) {
  const auto x = numbers({2, 2, 1}, {1, 2, 3, 4}), weight = numbers({2, 1}, {10, 20});
  EXPECT_EQ(run("position_embedding", {x, weight}).outputs[0], (std::vector<float>{11, 22, 13, 24}));
}

}  // namespace

}  // namespace isorbit::ops::testing
