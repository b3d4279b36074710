// Buffers of one thread's scratch, and matrix products between them.
#pragma once
#include "ops/gemm.hpp"

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

/// A matrix at an offset of the scratch.
struct Placed {
  core::onednn::Layout layout;
  std::size_t offset;

  Placed(std::int64_t rows, std::int64_t columns, std::size_t at, core::DType dtype = core::DType::f32)
      : layout(matrix(rows, columns, dtype)), offset(at) {}
  [[nodiscard]] Placed transpose() const {
    Placed other = *this;
    other.layout = transposed(layout);
    return other;
  }
};

/// A product between places of the scratch.
struct PlacedGemm {
  PlacedGemm(const core::Engine& engine, const Placed& x, const Placed& y, const Placed& z,
             Gemm::Into into = Gemm::Into::overwrite)
      : gemm(engine, x.layout, y.layout, z.layout, into), offsets{x.offset, y.offset, z.offset} {}
  /// In the scratch of a slice; what oneDNN needs beside is at `own`.
  [[nodiscard]] Gemm::Call bind(core::Engine& engine, std::size_t slice, std::byte* scratch,
                                std::size_t own) const {
    return gemm.bind(engine, slice, scratch + own, scratch + offsets[0], scratch + offsets[1],
                     scratch + offsets[2]);
  }
  Gemm gemm;
  std::array<std::size_t, 3> offsets;
};

}  // namespace isorbit::ops::flash
