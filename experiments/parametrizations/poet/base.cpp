// How W0 [m, n] is stored during an interval. Block sampling: in drawn order, D = Psi_l W0 Psi_r^T, so that
//   W = Psi_l^T diag(G_l) D diag(G_r) Psi_r,   D_ij = W0_rows(i),columns(j)
// and a step never gathers W0. Full sampling: as it is.
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
  const auto rows = coordinates[2]->indices(), columns = coordinates[3]->indices();
  std::size_t at = 0;
  for (const std::int32_t row : rows) {
    const std::size_t first = static_cast<std::size_t>(row) * columns.size();
    for (const std::int32_t column : columns) f(first + static_cast<std::size_t>(column), at++);
  }
}

}  // namespace

void store(const core::Json& fields, std::span<const float> weight, core::Tensor& base,
           std::span<core::Tensor* const> coordinates) {
  const auto values = base.values();
  over_elements(fields, {coordinates.begin(), coordinates.end()}, weight.size(),
                [&](std::size_t own, std::size_t at) { values[at] = weight[own]; });
}

void load(const core::Json& fields, const core::Tensor& base,
          std::span<const core::Tensor* const> coordinates, std::span<float> weight) {
  const auto values = base.values();
  over_elements(fields, coordinates, weight.size(),
                [&](std::size_t own, std::size_t at) { weight[own] = values[at]; });
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
