// Small matrix products by oneDNN on one thread, between buffers at fixed places of a thread's scratch.
#pragma once
#include <string>
#include <vector>

#include "core/runtime/engine.hpp"

namespace isorbit::ops::flash {

/// Books buffers of one thread's scratch. Offsets are multiples of 64 bytes.
class Scratch {
 public:
  /// Offset of `count` elements.
  std::size_t take(std::int64_t count, core::DType dtype = core::DType::f32) {
    const std::size_t offset = bytes_;
    bytes_ += (static_cast<std::size_t>(count) * core::size_of(dtype) + 63) / 64 * 64 + kGap;
    return offset;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kGap = 192;  // buffers of a power of two must not fall on the same cache sets
  std::size_t bytes_ = 0;
};

/// A dense row-major matrix in the scratch, or its transpose.
struct Matrix {
  std::int64_t rows = 0, columns = 0;  // as the product sees it
  std::size_t offset = 0;
  core::DType dtype = core::DType::f32;
  bool transposed = false;

  [[nodiscard]] Matrix transpose() const { return {columns, rows, offset, dtype, !transposed}; }
};

/// y = a b, or y += a b; sums in f32.
class Product {
 public:
  enum class Into : std::uint8_t { overwrite, accumulate };
  Product(const dnnl::engine& engine, const Matrix& a, const Matrix& b, const Matrix& y,
          Into into = Into::overwrite);

  [[nodiscard]] const std::string& implementation() const { return implementation_; }
  [[nodiscard]] std::size_t scratchpad_bytes() const { return scratchpad_.get_size(); }

  /// The product in one thread's scratch.
  struct Call {
    dnnl::primitive primitive;
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
    /// The C function: its C++ wrapper builds a list at every call.
    void operator()(const dnnl::stream& stream) const {
      dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), stream.get(),
                                                     static_cast<int>(arguments.size()), arguments.data()),
                              "attention: a matrix product failed");
    }
  };
  [[nodiscard]] Call bind(const dnnl::engine& engine, std::byte* scratch, std::byte* scratchpad) const;

 private:
  struct Argument {
    int id;
    core::onednn::Layout layout;
    std::size_t offset;
  };
  dnnl::primitive primitive_;
  std::string implementation_;
  core::onednn::Layout scratchpad_;
  std::vector<Argument> arguments_;
};

}  // namespace isorbit::ops::flash
