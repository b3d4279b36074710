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

double balance_of(const core::Json& fields) { return fields.at("balance").get<double>(); }

/// Block sampling: sizes of R's and P's blocks, not yet whole.
std::pair<double, double> block_sizes(const core::Json& fields) {
  const double root = std::sqrt(balance_of(fields)), size = fields.at("block_size").get<double>();
  return {size * root, size / root};
}

/// Full sampling: shares of rows and columns, not yet below 1.
std::pair<double, double> shares(const core::Json& fields, std::int64_t rows, std::int64_t columns) {
  const double q = balance_of(fields), budget = fields.at("budget").get<double>();
  if (q == 1.0) return {budget, budget};
  const auto m = static_cast<double>(rows), n = static_cast<double>(columns);
  const double right = budget * std::hypot(m, n) / std::hypot(m * q, n);
  return {q * right, right};
}

std::int64_t set_size(std::int64_t extent, double share) {
  return std::clamp<std::int64_t>(std::llround(static_cast<double>(extent) * share), 2, extent);
}

/// A whole number without its point.
std::string number(double x) {
  return x == std::floor(x) && x < 1e15 ? std::to_string(std::llround(x)) : core::shown(core::Json(x));
}

/// Block sizes of R and P that are not equal.
std::vector<Misfit> uneven_misfits(const core::Json& fields, const core::Shape& weight) {
  const auto [left, right] = block_sizes(fields);
  const auto fits = [](double size, std::int64_t extent) {
    const std::int64_t whole = std::llround(size);
    return whole >= 2 && std::abs(size - static_cast<double>(whole)) < 1e-9 * size && extent % whole == 0;
  };
  if (fits(left, weight[0]) && fits(right, weight[1])) return {};
  const auto size = fields.at("block_size").get<std::int64_t>();
  double best = 0;
  for (std::int64_t b = 2; b <= std::min(weight[0], size * size / 2); ++b) {
    if (weight[0] % b != 0 || size * size % b != 0 || weight[1] % (size * size / b) != 0) continue;
    const double q = static_cast<double>(b) * static_cast<double>(b) / static_cast<double>(size * size);
    const auto far = [&](double ratio) { return std::abs(std::log(ratio / balance_of(fields))); };
    if (best == 0 || far(q) < far(best)) best = q;
  }
  const std::string mean = std::to_string(size);
  return {{"balance", number(balance_of(fields)),
           "the ratio of a divisor of " + std::to_string(weight[0]) + " to one of " +
               std::to_string(weight[1]) + " whose geometric mean is \"block_size\", " + mean,
           "is " + weight.text(), best == 0 ? "1" : number(best)}};
}

/// Shares of rows and columns that are not equal: neither may be more than all.
std::vector<Misfit> share_misfits(const core::Json& fields, const core::Shape& weight) {
  const auto [rows, columns] = shares(fields, weight[0], weight[1]);
  const auto too_many = [](double share, std::int64_t extent) {
    return std::llround(share * static_cast<double>(extent)) > extent;
  };
  if (!too_many(rows, weight[0]) && !too_many(columns, weight[1])) return {};
  const bool left = too_many(rows, weight[0]);
  const auto own = static_cast<double>(weight[left ? 0 : 1]),
             other = static_cast<double>(weight[left ? 1 : 0]);
  const double budget = fields.at("budget").get<double>(), all = budget * std::hypot(own, other);
  const double most = other / std::sqrt(all * all - own * own);
  return {{"balance", number(balance_of(fields)),
           left ? "at most " + number(most) : "at least " + number(1 / most),
           "is " + weight.text() + " and \"budget\": " + number(budget) + " would draw more " +
               (left ? "rows" : "columns") + " than there are",
           "1"}};
}

std::vector<Misfit> block_misfits(const core::Json& fields, const core::Shape& weight) {
  constexpr std::int64_t kUsual = 64;
  const bool given = fields.contains("block_size");
  if (given && balance_of(fields) != 1.0) return uneven_misfits(fields, weight);
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

std::pair<Side, Side> sides_of(const core::Json& fields, const core::Shape& weight) {
  const std::int64_t m = weight[0], n = weight[1];
  if (samples_blocks(fields)) {
    const auto [left, right] = block_sizes(fields);
    const std::int64_t rows = std::llround(left), columns = std::llround(right);
    return {{m, rows, m / rows}, {n, columns, n / columns}};
  }
  const auto [rows, columns] = shares(fields, m, n);
  return {{m, set_size(m, rows), 1}, {n, set_size(n, columns), 1}};
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
  if (balance_of(fields) != 1.0) return share_misfits(fields, weight);
  return {};
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
