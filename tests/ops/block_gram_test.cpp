#include "tests/ops/gram_on_threads.hpp"

namespace isorbit::ops::testing {

namespace {

TEST(BlockGram, GivesTheSameBitsOnAnyNumberOfThreads) { expect_the_same_grams_on_any_number_of_threads(); }

}  // namespace

}  // namespace isorbit::ops::testing
