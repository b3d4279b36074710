// c_i = op(a_i) op(b_i), or c_i += ..., for i < count: a oneDNN matmul on stacks of dense matrices whose
// addresses are given at every run, for kernels that make their operands as they go. op is the identity or
// the transpose; a_i is [m, k], b_i [k, n], c_i [m, n] in f32.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/runtime/lowered.hpp"

namespace isorbit::ops {

class BatchedProduct {
 public:
  struct Form {
    std::int64_t count = 1, m = 1, n = 1, k = 1;
    bool transpose_a = false, transpose_b = false, add = false;
    core::DType operands = core::DType::f32;
  };

  BatchedProduct(const core::Engine& engine, const Form& form);
  /// Bytes of scratch a run needs.
  [[nodiscard]] std::size_t scratch_bytes() const { return scratch_; }
  /// One run at a time.
  void run(dnnl::stream& stream, const void* a, const void* b, float* c, void* scratch);

 private:
  dnnl::matmul primitive_;
  std::size_t scratch_ = 0;
  std::unordered_map<int, dnnl::memory> memories_;
};

}  // namespace isorbit::ops
