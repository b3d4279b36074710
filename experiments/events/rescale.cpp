// WISCA (Li et al., arXiv 2508.16676) and its controls: moves families of weights that may be scaled against
// each other (found in the graph: isorbit symmetries) to the member of their orbit of equivalent models at
// which the norms of the two sides are equal. For a pair of weights
//   c = sqrt(n(W2) / n(W1)),   W1 <- c W1,   W2 <- W2 / c,   biases like the weights they belong to
// with n the entrywise sum of magnitudes or another norm (rescale/norms.hpp) of the weight the model computes
// with, and with one c for a family (tensor), a key head and its query heads (kv_group), or a class of
// channels (channel). Kinds are taken in the order they are listed, the families of a kind at once.
//
// A gradient is scaled by the inverse of its tensor's factor, and so moments are transported by factor^power.
// A factor of a whole parametrized weight falls on its base. Single rows and columns of one that is in the
// middle of an interval (POET) take factors of their own after a merge, which the event makes and logs. With
// "apply": "rates" the weights stay and every step is sized as if they had moved (training/rates.hpp).
//
// Logits are computed before and after. A difference above the tolerance means that a family is no symmetry
// of this model: families are then undone one by one to find the one at fault.
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "core/passes/name_glob.hpp"
#include "experiments/events/difference.hpp"
#include "experiments/events/merge/merge_weights.hpp"
#include "experiments/events/rescale/factors.hpp"

namespace isorbit::experiments::events {

namespace {

using core::Json;
using core::ScaledWeight;
using core::ScalingFamily;

void multiply(const Rescaling& one, double sign, EventScope& scope) {
  for (const ScaledWeight& member : one.family->members)
    scope.scale(member.parameter, member.axis, one.factors(member, sign));
}

/// "keep" leaves moments as they are in the scaled weights; where the rates stand for the scale, that is a
/// move the other way.
void treat_moments(const Rescaling& one, const std::string& how, bool rates, EventScope& scope) {
  for (const ScaledWeight& member : one.family->members) {
    if (how == "reset") scope.reset_moments(member.parameter);
    if (how == "transport" && !rates)
      scope.transport_moments(member.parameter, member.axis, one.factors(member));
    if (how == "keep" && rates)
      scope.transport_moments(member.parameter, member.axis, one.factors(member, -1));
  }
}

/// Undoes the families, last first; the one whose undoing moves the logits most is at fault.
[[noreturn]] void refuse(const std::vector<Rescaling>& applied, double defect, double tolerance,
                         std::vector<float> after, EventScope& scope) {
  const Rescaling* worst = nullptr;
  double most = -1;
  for (auto it = applied.rbegin(); it != applied.rend(); ++it) {
    multiply(*it, -1, scope);
    std::vector<float> before = scope.logits();
    double by = difference(before, after).relative;
    if (std::isnan(by)) by = std::numeric_limits<double>::infinity();
    if (by > most) most = by, worst = &*it;
    after = std::move(before);
  }
  std::ostringstream what;
  what << "rescale at step " << scope.step() << " moved the logits by " << defect
       << " of the largest; expected at most " << tolerance << "; because \"" << worst->family->name
       << "\" is no symmetry of this model (its factors alone move them by " << most << ")";
  throw std::runtime_error(what.str());
}

/// Families by kind that the patterns name and whose weights the event is for.
std::vector<std::vector<const ScalingFamily*>> families_in(const Json& fields, const EventScope& scope) {
  std::vector<std::vector<const ScalingFamily*>> all;
  std::vector<std::string> kinds;
  const auto is_ours = [&](const ScaledWeight& member) {
    return std::ranges::find(scope.weights(), member.parameter) != scope.weights().end();
  };
  for (const Json& pattern : fields.at("pairs")) {
    for (const ScalingFamily& family : scope.families()) {
      if (!core::matches(pattern.get<std::string>(), family.kind)) continue;
      if (!std::ranges::all_of(family.members, is_ours)) continue;
      auto at = std::ranges::find(kinds, family.kind);
      if (at == kinds.end()) {
        kinds.push_back(family.kind);
        all.emplace_back();
        at = kinds.end() - 1;
      }
      std::vector<const ScalingFamily*>& list = all[static_cast<std::size_t>(at - kinds.begin())];
      if (std::ranges::find(list, &family) == list.end()) list.push_back(&family);
    }
  }
  return all;
}

/// Merges what takes no factors of single rows and columns where it stands.
void prepare(const std::vector<std::vector<const ScalingFamily*>>& kinds, EventScope& scope) {
  std::vector<std::string> weights;
  for (const auto& families : kinds)
    for (const ScalingFamily* family : families)
      for (const ScaledWeight& member : family->members)
        if (!scope.takes_single_factors(member.parameter) &&
            std::ranges::find(weights, member.parameter) == weights.end())
          weights.push_back(member.parameter);
  if (!weights.empty()) merge_weights(scope, weights, true);
}

void log(const Rescaling& one, const char* kind, const Json& fields, const Difference& by, double bound,
         EventScope& scope) {
  const SideNorms now = side_norms(*one.family, one.blocks, fields.at("norm").get<std::string>(), scope);
  const bool nothing = std::ranges::all_of(one.logs, [](double log) { return std::isnan(log); });
  for (const ScaledWeight& member : one.family->members)
    if (!member.is_offset)
      scope.log({scope.step(), kind, member.parameter, nothing ? EventRow::kNone : one.factor(member),
                 by.relative, bound, one.before, now.whole[0] / now.whole[1], by.ulp});
}

void apply(const Json& fields, EventScope& scope) {
  const double tolerance = fields.at("tolerance").get<double>();
  const bool rates = fields.at("apply") == "rates";
  const auto moments = fields.at("moments").get<std::string>();
  const Difference unknown = {EventRow::kNone, EventRow::kNone};
  const auto kinds = families_in(fields, scope);
  if (fields.at("granularity") != "tensor") prepare(kinds, scope);
  std::vector<float> before;
  if (!rates) before = scope.logits();
  if (!rates && before.empty())
    throw std::runtime_error("rescale compares logits, and the model has no output \"logits\"");
  std::vector<Rescaling> applied;
  for (const auto& families : kinds) {
    for (Rescaling& one : rescalings(families, fields, scope)) {
      if (one.is_idle()) {
        log(one, "rescale_skipped", fields, unknown, EventRow::kNone, scope);
        continue;
      }
      for (const ScaledWeight& member : one.family->members)
        if (rates) scope.scale_rates(member.parameter, member.axis, one.factors(member));
      if (!rates) multiply(one, 1, scope);
      applied.push_back(std::move(one));
    }
  }
  if (applied.empty()) return;
  Difference by = unknown;
  if (!rates) {
    std::vector<float> after = scope.logits();
    by = difference(before, after);
    if (!(by.relative <= tolerance)) refuse(applied, by.relative, tolerance, std::move(after), scope);
  }
  for (const Rescaling& one : applied) {
    treat_moments(one, moments, rates, scope);
    log(one, rates ? "rescale_rates" : "rescale", fields, by, rates ? EventRow::kNone : tolerance, scope);
  }
}

std::vector<core::Field> fields() {
  const auto one_of = [](std::vector<std::string> words) {
    return core::Spec::text().one_of(std::move(words));
  };
  return {
      {"pairs",
       core::Spec::list(core::Spec::text().at_least_items(1)).at_least_items(1),
       "patterns of what is scaled against each other, by the kinds isorbit symmetries lists: \"q-k\"",
       {}},
      {"norm", one_of(norm_names()), "what is made equal", Json("l1")},
      {"granularity", one_of(granularities()),
       "what has a factor of its own: a whole weight, a key head with its query heads, a class of channels",
       Json("tensor")},
      {"factor", one_of({"balance", "inverse", "random"}),
       "makes norms equal, or does the contrary, or anything as large", Json("balance")},
      {"apply", one_of({"weights", "rates"}),
       "scale the weights, or leave them and size their steps as if they were scaled", Json("weights")},
      {"moments", one_of({"transport", "keep", "reset"}), "what becomes of the weights' moments",
       Json("transport")},
      {"power_of_two", core::Spec::boolean(),
       "round factors to powers of two, which change no bit of the logits", Json(false)},
      {"dead_band", core::Spec::number().at_least(0), "factors c with |log c| below this are left out",
       Json(0.0)},
      {"tolerance", core::Spec::number().above(0),
       "largest difference of logits, relative to the largest, that rounding may make", Json(1e-4)}};
}

}  // namespace

Event rescale() {
  return {.name = "rescale",
          .doc = "balances the norms of weights of which only the product counts",
          .fields = fields(),
          .apply = apply,
          .does = "rescales",
          .zeroes_moments =
              [](const Json& f) { return f.at("moments") == "reset" || f.at("granularity") != "tensor"; },
          .merges = [](const Json& f) { return f.at("granularity") != "tensor"; }};
}

}  // namespace isorbit::experiments::events
