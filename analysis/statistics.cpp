#include "analysis/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace isorbit::analysis {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// A difference with its standard error and degrees of freedom, completed to a test.
Comparison tested(std::size_t n, double difference, double error, double freedom) {
  Comparison out{n, difference, nan, freedom, nan, nan, nan};
  if (!std::isfinite(difference) || !std::isfinite(error) || !(freedom > 0)) return out;
  if (error == 0) {  // no spread: the difference is what it is
    out.t = difference == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), difference);
    out.p_value = difference == 0 ? 1 : 0;
    out.low = out.high = difference;
    return out;
  }
  out.t = difference / error;
  out.p_value = student_two_sided(out.t, freedom);
  const double reach = error * boost::math::quantile(boost::math::students_t(freedom), 0.975);
  out.low = difference - reach;
  out.high = difference + reach;
  return out;
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return nan;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return nan;
  const double center = mean(values);
  double squares = 0;
  for (const double x : values) squares += (x - center) * (x - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

Summary summarize(std::span<const double> values) {
  Summary out{values.size(), mean(values), standard_deviation(values), nan, nan};
  if (values.empty()) return out;
  const bool undefined = std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); });
  if (undefined) return out;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  out.min = *low;
  out.max = *high;
  return out;
}

std::vector<double> paired_differences(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size())
    throw std::invalid_argument("paired differences: found " + std::to_string(a.size()) + " and " +
                                std::to_string(b.size()) + " values; expected as many on both sides");
  std::vector<double> out(a.size());
  std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::minus<>());
  return out;
}

Comparison paired_t_test(std::span<const double> a, std::span<const double> b) {
  const auto differences = paired_differences(a, b);
  const auto n = static_cast<double>(differences.size());
  return tested(differences.size(), mean(differences), standard_deviation(differences) / std::sqrt(n), n - 1);
}

// Welch, "The generalization of Student's problem when several different population variances are involved",
// 1947; degrees of freedom by Satterthwaite.
Comparison welch_t_test(std::span<const double> a, std::span<const double> b) {
  const auto square = [](double x) { return x * x; };
  const auto na = static_cast<double>(a.size()), nb = static_cast<double>(b.size());
  const double va = square(standard_deviation(a)) / na, vb = square(standard_deviation(b)) / nb;
  const double freedom =
      va + vb == 0 ? na + nb - 2 : square(va + vb) / (square(va) / (na - 1) + square(vb) / (nb - 1));
  return tested(a.size() + b.size(), mean(a) - mean(b), std::sqrt(va + vb), freedom);
}

double student_two_sided(double t, double degrees_of_freedom) {
  if (std::isnan(t) || !(degrees_of_freedom > 0)) return nan;
  if (std::isinf(t)) return 0;
  const boost::math::students_t distribution(degrees_of_freedom);
  return 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(t)));
}

// Holm, "A simple sequentially rejective multiple test procedure", 1979. NaN stays NaN and is not counted.
Proportion wilson_interval(std::size_t successes, std::size_t count) {
  if (count == 0) return {NAN, NAN, NAN};
  constexpr double z = 1.959963984540054;  // the normal distribution's 0.975 quantile
  const auto n = static_cast<double>(count);
  const double p = static_cast<double>(successes) / n, shrink = 1 + z * z / n;
  const double middle = (p + z * z / (2 * n)) / shrink;
  const double half = z / shrink * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i)
    if (!std::isnan(p_values[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return p_values[i] < p_values[j]; });
  std::vector<double> out(p_values.begin(), p_values.end());
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, std::min(1.0, p_values[order[k]] * static_cast<double>(order.size() - k)));
    out[order[k]] = largest;
  }
  return out;
}

}  // namespace isorbit::analysis
