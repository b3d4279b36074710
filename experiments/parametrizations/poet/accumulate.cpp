// What is known of the rotations of a whole run, R = R_t ... R_1 and P = P_1 ... P_t over its intervals.
//
// Vector probes (arXiv 2506.08001): for a fixed random unit vector v, probe_left = v^T R v and probe_right =
// v^T P v. Kept are v and u, [2, m] and [2, n]: u = R v is taken on by u <- R_t u at a merge, u = P^T v by
// u <- P_t^T u. A rotation of a vector costs O(m b k) (exact Cayley map: O(m b^2)).
//
// Coverage: an update moves the rows and columns its rotations act on. Element (i, j) has received rows_i +
// columns_j updates, one for each side that moved it, rows and columns being the counts that are kept. Its
// least, mean and largest over all elements follow from those of the counts.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/linalg/linalg.hpp"
#include "core/random/philox.hpp"
#include "experiments/parametrizations/poet/poet.hpp"
#include "ops/rotation/triangle.hpp"

namespace isorbit::experiments::parametrizations::poet_parts {

namespace {

using core::Json;
using core::Tensor;
using Vector = std::vector<double>;

/// x + sign Q y of a matrix Q [b, b].
Vector add_product(const Vector& x, const Vector& q, double sign, const Vector& y) {
  const std::size_t b = x.size();
  Vector z = x;
  for (std::size_t i = 0; i < b; ++i)
    for (std::size_t j = 0; j < b; ++j) z[i] += sign * q[i * b + j] * y[j];
  return z;
}

/// G x with sign = 1, G^T x with sign = -1: the transpose of a polynomial of Q is that of -Q.
Vector rotated_block(const Json& fields, const Vector& q, double sign, const Vector& x) {
  const std::size_t b = x.size();
  Vector sum = x;
  if (fields.at("cayley") == "exact") {
    Vector less(b * b);
    for (std::size_t i = 0; i < b * b; ++i) less[i] = (i % (b + 1) == 0 ? 1.0 : 0.0) - sign * q[i];
    core::inverse(std::span<const double>(less), less, b);
    sum = add_product(Vector(b, 0.0), less, 1, x);
  } else {
    for (std::int64_t i = fields.at("neumann_terms").get<std::int64_t>(); i > 0; --i)
      sum = add_product(x, q, sign, sum);
  }
  return add_product(sum, q, sign, sum);
}

/// What the present rotation of a side, or its transpose, makes of u.
Vector rotated(const Json& fields, const Tensor& coordinate, const Tensor& index, double sign, Vector u) {
  const auto drawn = index.indices();
  const auto blocks = static_cast<std::size_t>(coordinate.shape()[0]), b = drawn.size() / blocks;
  const auto length = static_cast<std::size_t>(coordinate.shape()[1]);
  for (std::size_t block = 0; block < blocks; ++block) {
    Vector x(b), triangle(length), q(b * b);
    std::ranges::copy(coordinate.values().subspan(block * length, length), triangle.begin());
    ops::unfold(triangle.data(), q.data(), static_cast<std::int64_t>(b));
    const auto place = [&](std::size_t i) { return static_cast<std::size_t>(drawn[block * b + i]); };
    for (std::size_t i = 0; i < b; ++i) x[i] = u[place(i)];
    x = rotated_block(fields, q, sign, x);
    for (std::size_t i = 0; i < b; ++i) u[place(i)] = x[i];
  }
  return u;
}

struct OneSide {
  Place coordinate, index, probe, count;
  double sign;
  const char *name, *stream;
};
constexpr OneSide kSides[] = {
    {kLeft, kLeftIndex, kLeftProbe, kLeftCount, 1, "probe_left", "/left_probe"},
    {kRight, kRightIndex, kRightProbe, kRightCount, -1, "probe_right", "/right_probe"}};

std::span<float> row(const Tensor& probe, std::size_t i) {
  const auto extent = static_cast<std::size_t>(probe.shape()[1]);
  return probe.values().subspan(i * extent, extent);
}

/// u after the present rotation of a side.
template <class Coordinates>
Vector probed(const Json& fields, const Coordinates& coordinates, const OneSide& side) {
  const auto u = row(*coordinates[side.probe], 1);
  return rotated(fields, *coordinates[side.coordinate], *coordinates[side.index], side.sign,
                 {u.begin(), u.end()});
}

struct Spread {
  double least, mean, largest;
};

Spread spread(const Tensor& count, const Tensor& index, std::int64_t updates) {
  Vector n(count.indices().begin(), count.indices().end());
  for (const std::int32_t i : index.indices()) n[static_cast<std::size_t>(i)] += static_cast<double>(updates);
  double sum = 0;
  for (const double x : n) sum += x;
  return {*std::ranges::min_element(n), sum / static_cast<double>(n.size()), *std::ranges::max_element(n)};
}

}  // namespace

void begin_sums(const std::string& weight, std::span<Tensor* const> coordinates, std::uint64_t seed) {
  for (const OneSide& side : kSides) {
    const auto v = row(*coordinates[side.probe], 0), u = row(*coordinates[side.probe], 1);
    const core::Philox random(seed, core::stream_of(weight + side.stream));
    double squares = 0;
    for (std::size_t i = 0; i < v.size(); ++i) squares += random.normal(i) * random.normal(i);
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = u[i] = static_cast<float>(random.normal(i) / std::sqrt(squares));
    std::ranges::fill(coordinates[side.count]->indices(), 0);
  }
}

void finish(const Json& fields, std::span<Tensor* const> coordinates, std::int64_t updates) {
  for (const OneSide& side : kSides) {
    const Vector u = probed(fields, coordinates, side);
    std::ranges::transform(u, row(*coordinates[side.probe], 1).begin(),
                           [](double x) { return static_cast<float>(x); });
    const auto count = coordinates[side.count]->indices();
    for (const std::int32_t i : coordinates[side.index]->indices())
      count[static_cast<std::size_t>(i)] += static_cast<std::int32_t>(updates);
  }
}

std::map<std::string, double> measures(const Json& fields, std::span<const Tensor* const> coordinates,
                                       std::int64_t updates) {
  std::map<std::string, double> found;
  for (const OneSide& side : kSides) {
    const Vector u = probed(fields, coordinates, side);
    const auto v = row(*coordinates[side.probe], 0);
    double& probe = found[side.name];
    for (std::size_t i = 0; i < u.size(); ++i) probe += u[i] * v[i];
    const Spread counts = spread(*coordinates[side.count], *coordinates[side.index], updates);
    found["coverage_min"] += counts.least;
    found["coverage_mean"] += counts.mean;
    found["coverage_max"] += counts.largest;
  }
  return found;
}

}  // namespace isorbit::experiments::parametrizations::poet_parts
