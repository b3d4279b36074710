// What several op families share: attribute descriptions, shape checks, and the gradient of broadcasting.
#pragma once
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/builder.hpp"
#include "core/graph/op.hpp"
#include "core/graph/scaling.hpp"

namespace isorbit::ops {

// Attribute descriptions. A field without a default is required.

inline core::Field integer_field(std::string name, std::string help,
                                 std::optional<std::int64_t> fallback = {}, std::optional<double> low = {}) {
  core::Spec spec = low ? core::Spec::integer().at_least(*low) : core::Spec::integer();
  std::optional<core::Json> json;
  if (fallback) json = core::Json(*fallback);
  return {std::move(name), std::move(spec), std::move(help), std::move(json), false};
}

inline core::Field number_field(std::string name, std::string help, std::optional<double> fallback = {}) {
  std::optional<core::Json> json;
  if (fallback) json = core::Json(*fallback);
  return {std::move(name), core::Spec::number(), std::move(help), std::move(json), false};
}

inline core::Field flag_field(std::string name, std::string help, bool fallback) {
  return {std::move(name), core::Spec::boolean(), std::move(help), core::Json(fallback), false};
}

/// A required list of integers; `low` is the least one allowed.
inline core::Field integers_field(std::string name, std::string help, std::optional<double> low = {}) {
  core::Spec element = low ? core::Spec::integer().at_least(*low) : core::Spec::integer();
  return {std::move(name), core::Spec::list(std::move(element)), std::move(help), {}, false};
}

/// What a product reads its operands in; the pass `narrow` obeys it.
inline core::Field precision_field() {
  return {"precision", core::Spec::text().one_of({"program", "f32"}),
          "storage of the operands: the program's precision, or always f32", core::Json("program"), false};
}

// Factors on channels.

/// Of an op that follows no factor but 1.
inline void not_homogeneous(core::Scaling& s) { s.refuse(s.op() + " is not homogeneous"); }
/// Of an elementwise op that follows every positive factor on its first input.
inline void follows_first(core::Scaling& s) { s.equal(s.out(), s.in(0)); }

// Shapes.

inline core::TensorType f32(core::Shape shape) { return {std::move(shape), core::DType::f32}; }
inline core::TensorType f32(std::vector<std::int64_t> dims) { return f32(core::Shape(std::move(dims))); }

/// Shape rule of an op whose only output is like its first input.
inline std::vector<core::TensorType> like_first(const core::Infer& x) { return {f32(x.in(0))}; }

/// The integer-list attribute `name` as a shape; refuses one of more than 2^40 elements.
inline core::Shape shape_attribute(const core::Infer& x, const char* name) {
  core::Shape shape(x.integers(name));
  try {
    (void)shape.elements();
  } catch (const std::overflow_error&) {
    x.refuse_attribute(name, shape.text(), "at most 2^40 elements");
  }
  return shape;
}

/// Refuses input `i` unless it has the shape of input `of`.
inline void same_shape(const core::Infer& x, std::size_t i, std::size_t of, const std::string& why = {}) {
  if (x.in(i) == x.in(of)) return;
  x.refuse(i, x.in(of).text(), why.empty() ? "it must have the shape of input " + std::to_string(of) : why);
}

/// Refuses input `i` unless its rank is at least `rank`.
inline void least_rank(const core::Infer& x, std::size_t i, std::size_t rank, const std::string& why = {}) {
  if (x.in(i).rank() >= rank) return;
  x.refuse(i, "at least " + std::to_string(rank) + (rank == 1 ? " dimension" : " dimensions"), why);
}

/// `axis` as an index into a shape of this rank; a negative one counts from the back. Refuses the attribute
/// `name`.
inline std::size_t axis_of(const core::Infer& x, const char* name, std::int64_t axis, std::size_t rank) {
  const auto extent = static_cast<std::int64_t>(rank);
  if (axis < -extent || axis >= extent) {
    x.refuse_attribute(name, std::to_string(axis),
                       "an axis from " + std::to_string(-extent) + " to " + std::to_string(extent - 1),
                       "the input is " + x.in(0).text());
  }
  return static_cast<std::size_t>(axis < 0 ? axis + extent : axis);
}

/// The same for attributes that passed the shape rule already.
inline std::size_t wrap_axis(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

/// Product of the extents of axes first..last-1.
inline std::int64_t extent_of(const core::Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t product = 1;
  for (std::size_t i = first; i < last; ++i) product *= shape[i];
  return product;
}

// Gradients.

/// `x` under another shape; `x` itself when it has that shape.
inline core::ValueId reshape_to(core::Builder& b, core::ValueId x, const core::Shape& shape) {
  return b.shape(x) == shape ? x : b.op("reshape", {x}, {{"shape", shape.dims()}});
}

/// Gradient of broadcasting (numpy's rules) a tensor of shape `target` to the shape of `dy`: sums over the
/// axes that were added in front or stretched from 1.
inline core::ValueId sum_to(core::Builder& b, core::ValueId dy, const core::Shape& target) {
  const core::Shape from = b.shape(dy);
  const std::size_t added = from.rank() - target.rank();
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < from.rank(); ++i) {
    if (i < added || (target[i - added] == 1 && from[i] != 1)) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (axes.empty()) return dy;
  return reshape_to(b, b.op("sum", {dy}, {{"axes", axes}}), target);
}

}  // namespace isorbit::ops
