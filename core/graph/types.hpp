// Shapes and element types of the values in a graph.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace isorbit::core {

/// Documents and gradients know f32 and s32; bf16 is how a program may store what it computes with.
enum class DType : std::uint8_t { f32, s32, bf16 };

[[nodiscard]] constexpr std::size_t size_of(DType dtype) { return dtype == DType::bf16 ? 2 : 4; }
/// True of what holds numbers rather than indices.
[[nodiscard]] constexpr bool is_number(DType dtype) { return dtype != DType::s32; }
[[nodiscard]] const char* name_of(DType dtype);

/// Extents of a dense row-major tensor, outermost first; rank 0 is a scalar. Extents are at least 1.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}

  [[nodiscard]] std::size_t rank() const { return dims_.size(); }
  [[nodiscard]] std::int64_t operator[](std::size_t axis) const { return dims_[axis]; }
  /// Extent of the axis counted from the back: back(0) is the innermost.
  [[nodiscard]] std::int64_t back(std::size_t axis = 0) const { return dims_[dims_.size() - 1 - axis]; }
  [[nodiscard]] const std::vector<std::int64_t>& dims() const { return dims_; }
  /// Product of the extents. Throws std::overflow_error past 2^40 elements.
  [[nodiscard]] std::int64_t elements() const;
  /// Product of all extents but the innermost: the rows of the tensor seen as a matrix (1 for rank 0 and 1).
  [[nodiscard]] std::int64_t rows() const;
  /// Row-major strides in elements.
  [[nodiscard]] std::vector<std::int64_t> strides() const;
  [[nodiscard]] std::string text() const;  // "[16, 128]"
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::int64_t> dims_;
};

struct TensorType {
  Shape shape;
  DType dtype = DType::f32;
  [[nodiscard]] std::size_t bytes() const {
    return static_cast<std::size_t>(shape.elements()) * size_of(dtype);
  }
  [[nodiscard]] std::string text() const { return std::string(name_of(dtype)) + shape.text(); }
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

}  // namespace isorbit::core
