// Which weights a rotation fits, and the sizes of its blocks.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/document/problem.hpp"
#include "experiments/parametrizations/poet/poet.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

/// The divisor of both extents, at least 2, nearest to `wanted` (the larger of two as near); 0: there is
/// none.
std::int64_t nearest_divisor(std::int64_t rows, std::int64_t columns, std::int64_t wanted) {
  const std::int64_t common = std::gcd(rows, columns);
  std::int64_t best = 0;
  const auto offer = [&](std::int64_t divisor) {
    if (divisor < 2) return;
    const std::int64_t far = std::abs(divisor - wanted), had = std::abs(best - wanted);
    if (best == 0 || far < had || (far == had && divisor > best)) best = divisor;
  };
  for (std::int64_t d = 1; d * d <= common; ++d) {
    if (common % d != 0) continue;
    offer(d);
    offer(common / d);
  }
  return best;
}

std::vector<Misfit> block_misfits(const core::Json& fields, const core::Shape& weight) {
  constexpr std::int64_t kUsual = 64;
  const bool given = fields.contains("block_size");
  const std::int64_t size = given ? fields.at("block_size").get<std::int64_t>() : kUsual;
  const std::int64_t rows = weight[0], columns = weight[1];
  if (given && rows % size == 0 && columns % size == 0) return {};
  const std::string both = rows == columns ? std::to_string(rows)
                                           : std::to_string(std::max(rows, columns)) + " and " +
                                                 std::to_string(std::min(rows, columns));
  const std::int64_t divisor = nearest_divisor(rows, columns, size);
  return {{"block_size", given ? std::to_string(size) : "no \"block_size\"", "a divisor of " + both,
           "is " + weight.text(), divisor == 0 ? "\"sampling\": \"full\"" : std::to_string(divisor)}};
}

}  // namespace

bool samples_blocks(const core::Json& fields) { return fields.at("sampling") == "block"; }

Side side_of(const core::Json& fields, std::int64_t extent) {
  if (samples_blocks(fields)) {
    const auto size = fields.at("block_size").get<std::int64_t>();
    return {extent, size, extent / size};
  }
  const auto share = std::llround(static_cast<double>(extent) * fields.at("budget").get<double>());
  return {extent, std::clamp<std::int64_t>(share, 2, extent), 1};
}

std::vector<Misfit> misfits(const core::Json& fields, const core::Shape& weight) {
  if (weight.rank() != 2)
    return {{"kind", "\"poet\"",
             "a parametrization of tensors with " + std::to_string(weight.rank()) +
                 (weight.rank() == 1 ? " axis" : " axes"),
             "is " + weight.text() + " and poet rotates matrices", "\"dense\""}};
  if (std::min(weight[0], weight[1]) < 2)
    return {{"kind", "\"poet\"", "a parametrization of a single row or column",
             "is " + weight.text() + " and a rotation needs two of each", "\"dense\""}};
  if (samples_blocks(fields)) return block_misfits(fields, weight);
  if (fields.at("form") == "input")
    return {{"form", "\"input\"", "\"auto\" or \"weight\" beside \"sampling\": \"full\"",
             "the input side rotates blocks of whole permutations", "\"auto\""}};
  if (fields.contains("block_size"))
    return {{"block_size", core::shown(fields.at("block_size")),
             "no \"block_size\" beside \"sampling\": \"full\"", "has its block sizes from \"budget\"", ""}};
  return {};
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
