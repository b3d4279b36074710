// Makes the two factors of a product B A that is trained beside a fixed weight (LoRA) equally large, in a
// norm |.|, without changing the product:
//   c = sqrt(|B| / |A|),   A <- c A,   B <- B / c
// the adapter reading of WISCA (Li et al., arXiv 2508.16676) with the sum of magnitudes (l1), the scalar case
// of RefLoRA (Zhang et al., arXiv 2505.18877) with the Frobenius norm. Their moments are transported. Where B
// is still 0, as after a start or a merge, or a norm is not finite, nothing is done.
#include <cmath>

#include "experiments/event.hpp"
#include "experiments/events/difference.hpp"

namespace isorbit::experiments::events {

namespace {

using core::Json;

constexpr double kNone = EventRow::kNone;

double norm(std::span<const float> values, const Json& fields) {
  const bool frobenius = fields.at("norm") == "frobenius";
  double sum = 0;
  for (const float x : values)
    sum += frobenius ? static_cast<double>(x) * x : std::abs(static_cast<double>(x));
  return frobenius ? std::sqrt(sum) : sum;
}

/// c from the two norms; NaN where there is none.
double factor_of(const Json& fields, double a, double b) {
  if (!(a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b))) return kNone;
  const double factor = std::sqrt(b / a);
  return fields.at("power_of_two").get<bool>() ? std::exp2(std::round(std::log2(factor))) : factor;
}

void log_all(std::span<EventRow> rows, const Difference& by, EventScope& scope) {
  for (EventRow& row : rows) {
    row.defect = by.relative;
    row.ulp = by.ulp;
    scope.log(row);
  }
}

/// Multiplies a factor of the product, along the axis the two have in common.
void multiply(EventScope& scope, const std::string& tensor, std::size_t axis,
              const std::vector<double>& factors, const std::string& moments) {
  scope.scale(tensor, axis, factors);
  if (moments == "transport") scope.transport_moments(tensor, axis, factors);
  if (moments == "reset") scope.reset_moments(tensor);
}

void apply(const Json& fields, EventScope& scope) {
  const auto moments = fields.at("moments").get<std::string>();
  const std::vector<float> before = scope.logits();
  std::vector<EventRow> rows;
  for (const std::string& weight : scope.weights()) {
    const auto adapters = scope.adapters(weight);
    if (!adapters) continue;
    const double b = norm(scope.weight(adapters->left), fields),
                 a = norm(scope.weight(adapters->right), fields);
    const double factor = factor_of(fields, a, b);
    if (std::isnan(factor)) {
      scope.log({scope.step(), "balance_skipped", weight, kNone, kNone, kNone});
      continue;
    }
    multiply(scope, adapters->left, 1, std::vector(adapters->rank, 1 / factor), moments);
    multiply(scope, adapters->right, 0, std::vector(adapters->rank, factor), moments);
    const double ratio = a / b, balanced = ratio * factor * factor;
    rows.push_back(
        {scope.step(), "balance_adapters", adapters->left, 1 / factor, kNone, kNone, ratio, balanced});
    rows.push_back(
        {scope.step(), "balance_adapters", adapters->right, factor, kNone, kNone, ratio, balanced});
  }
  if (rows.empty() || before.empty()) return log_all(rows, {kNone, kNone}, scope);
  log_all(rows, difference(before, scope.logits()), scope);
}

}  // namespace

Event balance_adapters() {
  return {
      .name = "balance_adapters",
      .doc = "balances the norms of the two factors of an adapter",
      .fields = {{"norm", core::Spec::text().one_of({"l1", "frobenius"}), "what is made equal", Json("l1")},
                 {"moments", core::Spec::text().one_of({"transport", "keep", "reset"}),
                  "what becomes of the factors' moments", Json("transport")},
                 {"power_of_two", core::Spec::boolean(),
                  "round c to a power of two, which changes no bit of the product", Json(false)}},
      .apply = apply,
      .does = "balances its adapters",
      .zeroes_moments = [](const Json& fields) { return fields.at("moments") == "reset"; }};
}

}  // namespace isorbit::experiments::events
