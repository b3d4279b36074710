// Sizes of a head and how it is cut. x [rows, width] is taken in chunks, whose gradients of logits exist
// together; a chunk in pieces of rows and bands of classes, one of which is a thread's at a time. None
// depends on the threads.
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/graph/op.hpp"

namespace isorbit::ops::head {

inline constexpr std::int64_t kLeastChunk = 512;  // rows: the weight is read anew for every chunk

/// Rows whose gradients of logits exist together.
[[nodiscard]] inline std::int64_t rows_of_chunk(std::int64_t rows, std::int64_t classes) {
  constexpr std::int64_t kElements = 4 << 20;
  return std::min(rows, std::max(kLeastChunk, kElements / classes));
}

struct Cut {
  Cut(const core::Lower& x, bool with_gradients)
      : rows(x.in(0).rows()),
        width(x.in(0).back()),
        classes(x.in(1)[0]),
        gradients(with_gradients),
        of_weight(with_gradients && x.flag("weight")),
        operand(x.type(0).dtype),
        of_dx(with_gradients ? x.out_type(1).dtype : core::DType::f32) {}

  std::int64_t rows, width, classes;
  bool gradients, of_weight;
  core::DType operand, of_dx;  // of what products read; of dx

  /// Rows of a chunk; the last one may be short, here and below.
  [[nodiscard]] std::int64_t chunk() const { return gradients ? rows_of_chunk(rows, classes) : rows; }
  /// Rows of a piece.
  [[nodiscard]] std::int64_t piece() const {
    return std::clamp<std::int64_t>(chunk() / 64 * 16, 64, kLeastChunk / 2);
  }
  /// Classes of a band.
  [[nodiscard]] std::int64_t band() const { return std::min(kClassesAtOnce, classes / 128 * 16 + 16); }

  /// In f32 the gradients take the place of the logits, else a thread keeps those it has just made.
  [[nodiscard]] bool in_place() const { return gradients && operand == core::DType::f32; }
  [[nodiscard]] std::int64_t operand_size() const {
    return static_cast<std::int64_t>(core::size_of(operand));
  }

  // Bytes: of all losses, of a chunk's gradients, of a piece's logits where they have their own.
  [[nodiscard]] std::size_t losses_bytes() const { return lines(rows * 8); }
  [[nodiscard]] std::size_t gradients_bytes() const {
    return gradients ? lines(chunk() * classes * operand_size()) : 0;
  }
  [[nodiscard]] std::size_t logits_bytes() const { return in_place() ? 0 : lines(piece() * classes * 4); }

 private:
  static constexpr std::int64_t kClassesAtOnce = 1024;  // of the weight's gradient

  [[nodiscard]] static std::size_t lines(std::int64_t bytes) {
    return static_cast<std::size_t>((bytes + 63) / 64 * 64);
  }
};

}  // namespace isorbit::ops::head
