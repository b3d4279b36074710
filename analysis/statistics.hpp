// Summaries of a metric over seeds, and the tests that compare two arms.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace isorbit::analysis {

/// Arithmetic mean; NaN of nothing.
[[nodiscard]] double mean(std::span<const double> values);

/// Sample standard deviation (divisor n - 1); NaN below two values.
[[nodiscard]] double standard_deviation(std::span<const double> values);

/// NaN fields where they are not defined.
struct Summary {
  std::size_t n = 0;
  double mean = 0, standard_deviation = 0, min = 0, max = 0;
};
[[nodiscard]] Summary summarize(std::span<const double> values);

/// a[i] - b[i]. Throws std::invalid_argument when the lengths differ.
[[nodiscard]] std::vector<double> paired_differences(std::span<const double> a, std::span<const double> b);

/// A difference of means with its test: `difference` = mean(a) - mean(b), `t` its ratio to the standard
/// error, `p_value` two-sided, [low, high] the 95 % confidence interval. With fewer than two values (per
/// side, when unpaired) all but the difference are NaN. With no spread at all p is 1 for a zero difference
/// and 0 otherwise.
struct Comparison {
  std::size_t n = 0;  // pairs, or values on both sides together
  double difference = 0, t = 0, degrees_of_freedom = 0, p_value = 0, low = 0, high = 0;
};

/// Student's paired t test. Throws std::invalid_argument when the lengths differ.
[[nodiscard]] Comparison paired_t_test(std::span<const double> a, std::span<const double> b);

/// Welch's t test for unequal variances.
[[nodiscard]] Comparison welch_t_test(std::span<const double> a, std::span<const double> b);

/// P(|T| >= |t|) for Student's t with `degrees_of_freedom` > 0.
[[nodiscard]] double student_two_sided(double t, double degrees_of_freedom);

/// A share with its 95 % confidence interval by Wilson's score; NaN of nothing.
struct Proportion {
  double value = 0, low = 0, high = 0;
};
[[nodiscard]] Proportion wilson_interval(std::size_t successes, std::size_t count);

/// p-values adjusted for making them all (Holm's step-down), in the order given; never smaller than given.
[[nodiscard]] std::vector<double> holm_adjusted(std::span<const double> p_values);

}  // namespace isorbit::analysis
