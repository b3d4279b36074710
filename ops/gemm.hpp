// Matrix products by oneDNN inside a kernel that is more than one primitive: y = a b or y += a b, of a matrix
// [m, k] and one [k, n] or of stacks of them [count, ...]; sums in f32.
#pragma once
#include <array>

#include "core/runtime/lowered.hpp"

namespace isorbit::ops {

/// A row-major matrix of which a row begins every `pitch` elements (0: every `columns`).
[[nodiscard]] inline core::onednn::Layout matrix(std::int64_t rows, std::int64_t columns,
                                                 core::DType dtype = core::DType::f32,
                                                 std::int64_t pitch = 0) {
  return core::onednn::strided({rows, columns}, {pitch == 0 ? columns : pitch, 1}, dtype);
}
/// A dense stack of row-major matrices.
[[nodiscard]] inline core::onednn::Layout matrices(std::int64_t count, std::int64_t rows,
                                                   std::int64_t columns,
                                                   core::DType dtype = core::DType::f32) {
  return core::onednn::dense({count, rows, columns}, dtype);
}
/// The transpose of a matrix, of the same elements.
[[nodiscard]] inline core::onednn::Layout transposed(const core::onednn::Layout& matrix) {
  return matrix.permute_axes({1, 0});
}

/// A product of operands of given layouts. It has no memory: bind() gives it some.
class Gemm {
 public:
  enum class Into : std::uint8_t { overwrite, accumulate };
  Gemm(const core::Engine& engine, const core::onednn::Layout& a, const core::onednn::Layout& b,
       const core::onednn::Layout& y, Into into = Into::overwrite)
      : layouts_{a, b, y} {
    dnnl::primitive_attr attr = core::user_scratchpad();
    if (into == Into::accumulate) {
      dnnl::post_ops post;
      post.append_sum(1.F);
      attr.set_post_ops(post);
    }
    const auto description = core::onednn::describe<dnnl::matmul>(engine.onednn(), attr, a, b, y);
    primitive_ = dnnl::primitive(description.get());
    layouts_[kScratch] = description.scratchpad_desc();
    implementation_ = description.impl_info_str();
  }

  [[nodiscard]] const std::string& implementation() const { return implementation_; }
  /// Of a call; a multiple of 64.
  [[nodiscard]] std::size_t scratch_bytes() const { return (layouts_[kScratch].get_size() + 63) / 64 * 64; }

  /// The product on memory, in the stream of one slice; it makes nothing when it is called.
  class Call {
   public:
    /// Of the addresses it has.
    void operator()() const {  // the C function: its C++ wrapper builds a list at every call
      dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_.get(), stream_, count_, arguments_.data()),
                              "a matrix product failed");
    }
    /// Of these addresses, which it keeps.
    void operator()(const void* a, const void* b, void* y) {
      memories_[0].set_data_handle(const_cast<void*>(a));
      memories_[1].set_data_handle(const_cast<void*>(b));
      memories_[2].set_data_handle(y);
      (*this)();
    }

   private:
    friend class Gemm;
    dnnl::primitive primitive_;
    dnnl_stream_t stream_ = nullptr;
    std::array<dnnl::memory, 4> memories_;
    std::array<dnnl_exec_arg_t, 4> arguments_ = {};
    int count_ = 0;
  };

  /// Calls that run at once need a slice and scratch each, and each a bind(): copies of a call share
  /// addresses.
  [[nodiscard]] Call bind(core::Engine& engine, std::size_t slice, void* scratch, const void* a = nullptr,
                          const void* b = nullptr, void* y = nullptr) const {
    constexpr std::array<int, 4> kIds = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    const std::array<void*, 4> addresses = {const_cast<void*>(a), const_cast<void*>(b), y, scratch};
    Call call;
    call.primitive_ = primitive_;
    call.stream_ = engine.stream(slice).get();
    call.count_ = layouts_[kScratch].get_size() > 0 ? 4 : 3;
    for (std::size_t i = 0; i < static_cast<std::size_t>(call.count_); ++i) {
      call.memories_[i] = dnnl::memory(layouts_[i], engine.onednn(), addresses[i]);
      call.arguments_[i] = {kIds[i], call.memories_[i].get()};
    }
    return call;
  }

 private:
  static constexpr std::size_t kScratch = 3;
  std::array<core::onednn::Layout, 4> layouts_;  // of a, b, y and the scratchpad
  dnnl::primitive primitive_;
  std::string implementation_;
};

}  // namespace isorbit::ops
