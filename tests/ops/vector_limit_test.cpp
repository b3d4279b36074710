// Our own kernels go no further than oneDNN may. A program of its own: oneDNN reads its limit once.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdlib>

#include "core/runtime/engine.hpp"

namespace isorbit::ops::testing {

namespace {

TEST(VectorLimit, IsTheOneOfOneDnn) {
  ASSERT_EQ(::setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1), 0);
  const core::Engine engine(1);
  EXPECT_EQ(core::effective_isa(), "avx2");
  EXPECT_EQ(hwy::SupportedTargets() & (HWY_AVX3 | HWY_AVX3_DL), 0);
}

}  // namespace

}  // namespace isorbit::ops::testing
