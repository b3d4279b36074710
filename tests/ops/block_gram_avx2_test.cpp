#include <cstdlib>

#include "tests/ops/gram_on_threads.hpp"

namespace isorbit::ops::testing {

namespace {

TEST(BlockGram, GivesTheSameBitsOnAnyNumberOfThreadsWithoutAvx512) {
  ASSERT_EQ(::setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1), 0);
  ASSERT_EQ(core::effective_isa(), "avx2");
  expect_the_same_grams_on_any_number_of_threads();
}

}  // namespace

}  // namespace isorbit::ops::testing
