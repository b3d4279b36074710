// The parts of the parametrization "poet" (formulas in poet.cpp).
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "core/graph/builder.hpp"
#include "core/runtime/tensor.hpp"
#include "experiments/parametrization.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

/// Where coordinates stand in their list.
enum Place : std::size_t {
  kLeft,
  kRight,
  kLeftIndex,
  kRightIndex,
  kLeftProbe,
  kRightProbe,
  kLeftCount,
  kRightCount,
  kScale,  // of an 8-bit base
  kZero
};

/// One side's rotation: `blocks` matrices of `size` on an axis of `extent`. Block sampling: blocks * size =
/// extent. Full sampling: one block.
struct Side {
  std::int64_t extent = 0, size = 0, blocks = 1;
  [[nodiscard]] std::int64_t triangle() const { return size * (size - 1) / 2; }
  [[nodiscard]] std::int64_t indices() const { return size * blocks; }
};

[[nodiscard]] bool samples_blocks(const core::Json& fields);
[[nodiscard]] bool is_quantized(const core::Json& fields);

/// The rotations of rows and columns of a weight that the fields fit.
[[nodiscard]] std::pair<Side, Side> sides_of(const core::Json& fields, const core::Shape& weight);

[[nodiscard]] std::vector<Misfit> misfits(const core::Json& fields, const core::Shape& weight);

/// What is stored of a weight, and back (poet/base.cpp).
[[nodiscard]] core::TensorType stored(const core::Json& fields, const core::Shape& weight);
void store(const core::Json& fields, std::span<const float> weight, core::Tensor& base,
           std::span<core::Tensor* const> coordinates);
void load(const core::Json& fields, const core::Tensor& base,
          std::span<const core::Tensor* const> coordinates, std::span<float> weight);
void multiply(const core::Json& fields, double factor, core::Tensor& base,
              std::span<core::Tensor* const> coordinates);

/// Weights in bytes (poet/quantize.cpp): codes [groups, 64] of four bytes each, scale and zero [groups].
constexpr std::int64_t kGroup = 256;
[[nodiscard]] std::int64_t groups_of(const core::Shape& weight);
/// Groups whose values are what their codes stand for already keep them.
void quantize(std::span<const float> weight, core::Tensor& codes, core::Tensor& scale, core::Tensor& zero);
void dequantize(const core::Tensor& codes, const core::Tensor& scale, const core::Tensor& zero,
                std::span<float> weight);

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
/// "model" leaves a weight of zeros as it is, and so does every rotation.
[[nodiscard]] std::optional<Misfit> keeps_zeros(const core::Json& fields);

/// What is summed up over a run (poet/accumulate.cpp): begun, taken on by an interval, read.
void begin_sums(const std::string& weight, std::span<core::Tensor* const> coordinates, std::uint64_t seed);
void finish(const core::Json& fields, std::span<core::Tensor* const> coordinates, std::int64_t updates);
[[nodiscard]] std::map<std::string, double> measures(const core::Json& fields,
                                                     std::span<const core::Tensor* const> coordinates,
                                                     std::int64_t updates);

}  // namespace isorbit::experiments::parametrizations::poet_parts
