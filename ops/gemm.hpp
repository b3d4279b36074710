// Matrix products inside a kernel that is more than one oneDNN primitive: y = a b, or y += a b.
#pragma once
#include <algorithm>
#include <unordered_map>

#include "core/runtime/lowered.hpp"

namespace isorbit::ops {

/// A matrix in memory: element (i, j) at i pitch + j, or transposed at j pitch + i.
struct Matrix {
  std::int64_t rows = 0, columns = 0, pitch = 0;
  bool transposed = false;
  core::DType dtype = core::DType::f32;

  [[nodiscard]] core::onednn::Layout layout() const {
    const dnnl::memory::dims strides = {transposed ? 1 : pitch, transposed ? pitch : 1};
    return core::onednn::strided({rows, columns}, strides, dtype);
  }
};

/// A product of matrices of given shapes; it costs about a microsecond to call.
class Gemm {
 public:
  Gemm() = default;
  Gemm(const core::Engine& engine, const Matrix& a, const Matrix& b, const Matrix& y, bool accumulate)
      : a_(a.layout()), b_(b.layout()), y_(y.layout()) {
    dnnl::primitive_attr attr = core::user_scratchpad();
    if (accumulate) {
      dnnl::post_ops post;
      post.append_sum();
      attr.set_post_ops(post);
    }
    const auto description = core::onednn::describe<dnnl::matmul>(engine.onednn(), attr, a_, b_, y_);
    primitive_ = dnnl::matmul(description);
    scratchpad_ = description.scratchpad_desc();
    implementation_ = description.impl_info_str();
  }

  [[nodiscard]] const std::string& implementation() const { return implementation_; }
  [[nodiscard]] std::size_t scratch_bytes() const { return (scratchpad_.get_size() + 63) / 64 * 64; }

  /// Calls that run at once need a stream and a scratchpad each.
  void operator()(const core::Engine& engine, dnnl::stream& stream, const void* a, const void* b, void* y,
                  void* scratch) const {
    const auto at = [&](const core::onednn::Layout& layout, const void* address) {
      return dnnl::memory(layout, engine.onednn(), const_cast<void*>(address));
    };
    std::unordered_map<int, dnnl::memory> memories = {
        {DNNL_ARG_SRC, at(a_, a)}, {DNNL_ARG_WEIGHTS, at(b_, b)}, {DNNL_ARG_DST, at(y_, y)}};
    if (scratchpad_.get_size() > 0) memories.emplace(DNNL_ARG_SCRATCHPAD, at(scratchpad_, scratch));
    primitive_.execute(stream, memories);
  }

 private:
  core::onednn::Layout a_, b_, y_, scratchpad_;
  dnnl::primitive primitive_;
  std::string implementation_;
};

}  // namespace isorbit::ops
