// block_gram on 1, 2, 3 and 5 threads, for a program per instruction set: oneDNN reads its limit once.
#pragma once
#include <gtest/gtest.h>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

/// Every size of block up to 40 and those of the models, from one block to more than there are threads, with
/// one chunk of rows, several and a rest.
inline void expect_the_same_grams_on_any_number_of_threads() {
  std::vector<std::int64_t> sizes = {48, 64, 96, 128};
  for (std::int64_t b = 1; b <= 40; ++b) sizes.push_back(b);
  for (const std::int64_t b : sizes) {
    for (const std::int64_t blocks : {1, 2, 3, 5, 8}) {
      const std::int64_t n = blocks * b, rows = b % 2 == 0 ? 300 : 70;
      const std::vector<Operand> operands = {normal({rows, n}, "a"), normal({rows, n}, "b"),
                                             indices({n}, n, true, "index")};
      const core::Json attributes = {{"size", b}};
      const auto once = run("block_gram", operands, attributes).outputs;
      for (const int threads : {2, 3, 5})
        EXPECT_EQ(once, run("block_gram", operands, attributes, threads).outputs)
            << blocks << " blocks of " << b << " on " << threads << " threads";
    }
  }
}

}  // namespace isorbit::ops::testing
