// The parts of the parametrization "poet" (formulas in poet.cpp).
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "core/graph/builder.hpp"
#include "core/runtime/tensor.hpp"
#include "experiments/parametrization.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

/// One side's rotation: `blocks` matrices of `size` on an axis of `extent`. Block sampling: blocks * size =
/// extent. Full sampling: one block.
struct Side {
  std::int64_t extent = 0, size = 0, blocks = 1;
  [[nodiscard]] std::int64_t triangle() const { return size * (size - 1) / 2; }
  [[nodiscard]] std::int64_t indices() const { return size * blocks; }
};

[[nodiscard]] bool samples_blocks(const core::Json& fields);

/// The rotation of an axis; the fields fit it.
[[nodiscard]] Side side_of(const core::Json& fields, std::int64_t extent);

[[nodiscard]] std::vector<Misfit> misfits(const core::Json& fields, const core::Shape& weight);

/// Makes a weight the base, and back (poet/base.cpp).
void store(const core::Json& fields, std::span<const float> weight, core::Tensor& base,
           std::span<core::Tensor* const> coordinates);
void load(const core::Json& fields, const core::Tensor& base,
          std::span<const core::Tensor* const> coordinates, std::span<float> weight);

/// The realized weight, [m, n]; coordinates as poet.cpp lists them.
[[nodiscard]] core::ValueId realize(core::Builder& build, const core::Json& fields, core::ValueId base,
                                    std::span<const core::ValueId> coordinates);

/// y = x W^T of a layer x [..., n] on the input side, [..., m]; block sampling only.
[[nodiscard]] core::ValueId apply(core::Builder& build, const core::Json& fields, core::ValueId base,
                                  std::span<const core::ValueId> coordinates, core::ValueId x);

/// How far the rotations may move singular values, relative to the largest.
[[nodiscard]] Bound bound(const core::Json& fields, std::span<const core::Tensor* const> coordinates);

/// Draws the weight as "init" says; "model" leaves it.
void initialize(const core::Json& fields, const std::string& weight, core::Tensor& drawn, std::uint64_t seed);
/// A weight that is given is kept by "model" alone.
[[nodiscard]] std::optional<Misfit> redraws(const core::Json& fields);

}  // namespace isorbit::experiments::parametrizations::poet_parts
