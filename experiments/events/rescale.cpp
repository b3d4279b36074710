// WISCA (Li et al., arXiv 2508.16676): moves pairs of weights to the member of their orbit of equivalent
// models at which their norms are equal. For the weights W1, W2 of a pair in one layer
//   s = sqrt(|W2|_1 / |W1|_1),   W1 <- s W1,   W2 <- W2 / s,   biases like the weights they belong to
// |.|_1 is the sum of the absolute values of all entries, in double and in storage order; of a parametrized
// weight it is that of the base, which is what is scaled. A gradient is scaled by the inverse of its tensor's
// factor, and so moments are transported by factor^power. Pairs with a norm of zero, or none that is finite,
// are left alone.
//
// Logits are computed before and after. A difference above the tolerance means that the pair is no symmetry
// of this model: the pairs are then undone one by one to find the one at fault.
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "experiments/event.hpp"

namespace isorbit::experiments::events {

namespace {

using core::Json;
using Pair = EventScope::Pair;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Scaled {
  Pair pair;
  double factor;  // of the first weight; the second's is 1 / factor
};

double sum_of_magnitudes(std::span<const float> values) {
  double sum = 0;
  for (const float x : values) sum += std::abs(static_cast<double>(x));
  return sum;
}

/// The factor of the first weight; NaN where a norm is zero or not finite.
double balance(const Pair& pair, bool power_of_two, EventScope& scope) {
  const double first = sum_of_magnitudes(scope.base(pair.first).values());
  const double second = sum_of_magnitudes(scope.base(pair.second).values());
  if (!(first > 0 && second > 0 && std::isfinite(first) && std::isfinite(second))) return kNone;
  const double factor = std::sqrt(second / first);
  return power_of_two ? std::exp2(std::round(std::log2(factor))) : factor;
}

/// Calls f(tensor, factor) for every tensor of the pair, weights and biases.
template <class F>
void over_tensors(const Pair& pair, double factor, const F& f) {
  f(pair.first, factor);
  for (const std::string& bias : pair.with_first) f(bias, factor);
  f(pair.second, 1.0 / factor);
  for (const std::string& bias : pair.with_second) f(bias, 1.0 / factor);
}

void multiply(const Pair& pair, double factor, EventScope& scope) {
  over_tensors(pair, factor, [&](const std::string& tensor, double s) {
    for (float& x : scope.base(tensor).values()) x = static_cast<float>(x * s);
  });
}

void treat_moments(const Pair& pair, double factor, const std::string& how, EventScope& scope) {
  over_tensors(pair, factor, [&](const std::string& tensor, double s) {
    if (how == "reset") scope.reset_moments(tensor);
    if (how == "transport" && !scope.is_parametrized(tensor)) scope.transport_moments(tensor, s);
  });
}

/// max |b - a| / max |a|: 0 where nothing moved, NaN or infinite where there is no telling.
double relative_difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(b[i]) - static_cast<double>(a[i]));
    if (!std::isfinite(d)) return kNone;
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
    most = std::max(most, d);
  }
  return most == 0 ? 0 : most / largest;
}

/// Undoes the pairs, last first; the one whose undoing moves the logits most is at fault.
[[noreturn]] void refuse(const std::vector<Scaled>& applied, double defect, double tolerance,
                         std::vector<float> after, EventScope& scope) {
  const Scaled* worst = nullptr;
  double most = -1;
  for (auto it = applied.rbegin(); it != applied.rend(); ++it) {
    multiply(it->pair, 1.0 / it->factor, scope);
    std::vector<float> before = scope.logits();
    double moved = relative_difference(before, after);
    if (std::isnan(moved)) moved = std::numeric_limits<double>::infinity();
    if (moved > most) most = moved, worst = &*it;
    after = std::move(before);
  }
  std::ostringstream what;
  what << "rescale at step " << scope.step() << " moved the logits by " << defect
       << " of the largest; expected at most " << tolerance << "; because pair \"" << worst->pair.name
       << "\" is no symmetry of this model at \"" << worst->pair.first << "\" and \"" << worst->pair.second
       << "\" (factor " << worst->factor << " alone moves them by " << most << ")";
  throw std::runtime_error(what.str());
}

bool holds(std::span<const std::string> weights, const std::string& name) {
  return std::find(weights.begin(), weights.end(), name) != weights.end();
}

std::vector<Pair> pairs_in(const Json& fields, const EventScope& scope) {
  std::vector<Pair> all;
  for (const Json& name : fields.at("pairs")) {
    for (Pair& pair : scope.pairs(name.get<std::string>()))
      if (holds(scope.weights(), pair.first) && holds(scope.weights(), pair.second))
        all.push_back(std::move(pair));
  }
  return all;
}

void apply(const Json& fields, EventScope& scope) {
  const double tolerance = fields.at("tolerance").get<double>();
  const bool power_of_two = fields.at("power_of_two").get<bool>();
  const std::vector<float> before = scope.logits();
  if (before.empty())
    throw std::runtime_error("rescale compares logits, and the model has no output \"logits\"");
  std::vector<Scaled> applied;
  for (Pair& pair : pairs_in(fields, scope)) {
    const double factor = balance(pair, power_of_two, scope);
    if (std::isnan(factor)) {
      for (const std::string& weight : {pair.first, pair.second})
        scope.log({scope.step(), "rescale_skipped", weight, kNone, kNone, kNone});
      continue;
    }
    multiply(pair, factor, scope);
    applied.push_back({std::move(pair), factor});
  }
  if (applied.empty()) return;
  std::vector<float> after = scope.logits();
  const double defect = relative_difference(before, after);
  if (!(defect <= tolerance)) refuse(applied, defect, tolerance, std::move(after), scope);
  for (const Scaled& s : applied) {
    treat_moments(s.pair, s.factor, fields.at("moments").get<std::string>(), scope);
    scope.log({scope.step(), "rescale", s.pair.first, s.factor, defect, tolerance});
    scope.log({scope.step(), "rescale", s.pair.second, 1.0 / s.factor, defect, tolerance});
  }
}

}  // namespace

Event rescale() {
  return {.name = "rescale",
          .doc = "balances the norms of weights of which only the product counts",
          .fields = {{"pairs",
                      core::Spec::list(core::Spec::text().at_least_items(1)).at_least_items(1),
                      "names of the model's pairs",
                      {}},
                     {"norm", core::Spec::text().one_of({"l1"}), "what is made equal", core::Json("l1")},
                     {"granularity", core::Spec::text().one_of({"tensor"}), "what has a factor of its own",
                      core::Json("tensor")},
                     {"moments", core::Spec::text().one_of({"transport", "keep", "reset"}),
                      "what becomes of the weights' moments", core::Json("transport")},
                     {"power_of_two", core::Spec::boolean(),
                      "round factors to powers of two, which change no bit of the logits", core::Json(false)},
                     {"tolerance", core::Spec::number().above(0),
                      "largest difference of logits, relative to the largest, that rounding may make",
                      core::Json(1e-4)}},
          .apply = apply};
}

}  // namespace isorbit::experiments::events
