// How W0 [m, n] is stored during an interval.
//
// Block sampling stores it in drawn order, D = Psi_l W0 Psi_r^T, so that a step never gathers it:
//   W = Psi_l^T diag(G_l) D diag(G_r) Psi_r,   D_ij = W0_rows(i),columns(j)
// Full sampling stores it as it is. With "base": "int8" it is stored in bytes and in its own order, in which
// its groups stay the same from one interval to the next; what makes numbers of bytes (ops/dequantize.cpp)
// makes them in drawn order.
#include "experiments/parametrizations/poet/poet.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

/// Calls f(place in the weight, place in the base) for every element.
template <class F>
void over_elements(const core::Json& fields, std::span<const core::Tensor* const> coordinates,
                   std::size_t elements, const F& f) {
  if (!samples_blocks(fields)) {
    for (std::size_t at = 0; at < elements; ++at) f(at, at);
    return;
  }
  const auto rows = coordinates[kLeftIndex]->indices(), columns = coordinates[kRightIndex]->indices();
  std::size_t at = 0;
  for (const std::int32_t row : rows) {
    const std::size_t first = static_cast<std::size_t>(row) * columns.size();
    for (const std::int32_t column : columns) f(first + static_cast<std::size_t>(column), at++);
  }
}

}  // namespace

bool is_quantized(const core::Json& fields) { return fields.at("base") == "int8"; }

core::TensorType stored(const core::Json& fields, const core::Shape& weight) {
  if (!is_quantized(fields)) return {weight, core::DType::f32};
  return {{groups_of(weight), kGroup / 4}, core::DType::s32};
}

void store(const core::Json& fields, std::span<const float> weight, core::Tensor& base,
           std::span<core::Tensor* const> coordinates) {
  if (is_quantized(fields)) return quantize(weight, base, *coordinates[kScale], *coordinates[kZero]);
  const auto values = base.values();
  const std::vector<const core::Tensor*> read(coordinates.begin(), coordinates.end());
  over_elements(fields, read, weight.size(),
                [&](std::size_t own, std::size_t at) { values[at] = weight[own]; });
}

void load(const core::Json& fields, const core::Tensor& base,
          std::span<const core::Tensor* const> coordinates, std::span<float> weight) {
  if (is_quantized(fields)) return dequantize(base, *coordinates[kScale], *coordinates[kZero], weight);
  const auto values = base.values();
  over_elements(fields, coordinates, weight.size(),
                [&](std::size_t own, std::size_t at) { weight[own] = values[at]; });
}

void multiply(const core::Json& fields, double factor, core::Tensor& base,
              std::span<core::Tensor* const> coordinates) {
  const auto numbers = is_quantized(fields) ? coordinates[kScale]->values() : base.values();
  for (float& x : numbers) x = static_cast<float>(x * factor);
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
