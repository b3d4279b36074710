#include "core/graph/log_scales.hpp"

#include <algorithm>
#include <cmath>

#include "core/graph/graph.hpp"

namespace isorbit::core {

namespace {

constexpr LogScales::Reason kFree = -1;
constexpr double kSame = 1e-9;  // powers are small rationals: nearer ones are equal

void add_term(std::vector<LogScales::Term>& terms, LogScales::Variable unknown, double power) {
  const auto at = std::ranges::find(terms, unknown, &LogScales::Term::unknown);
  if (at == terms.end()) {
    terms.push_back({unknown, power});
  } else if (std::abs(at->power + power) > kSame) {
    at->power += power;
  } else {
    terms.erase(at);
  }
}

}  // namespace

LogScales::Variable LogScales::add(std::int64_t count) {
  const auto first = static_cast<Variable>(parents_.size());
  for (std::int64_t i = 0; i < count; ++i) parents_.push_back({static_cast<Variable>(first + i), 1.0});
  reasons_.resize(parents_.size(), kFree);
  return first;
}

LogScales::Place LogScales::find(Variable v) const {
  Place place{v, 1.0};
  while (parents_[index(place.root)].root != place.root) {
    Place& up = parents_[index(place.root)];
    const Place above = parents_[index(up.root)];
    up = {above.root, up.power * above.power};
    place = {up.root, place.power * up.power};
  }
  return place;
}

void LogScales::pin(Variable v, Reason reason) {
  Reason& known = reasons_[index(find(v).root)];
  known = known == kFree ? reason : std::min(known, reason);
}

void LogScales::relate(Variable a, double k, Variable b) {
  const Place of_a = find(a), of_b = find(b);
  // of_a.power A = k of_b.power B
  const double power = k * of_b.power / of_a.power;
  if (of_a.root == of_b.root) {
    if (std::abs(power - 1) > kSame && reasons_[index(of_a.root)] == kFree) pin(of_a.root, kContradiction);
    return;
  }
  const Variable root = std::min(of_a.root, of_b.root), other = std::max(of_a.root, of_b.root);
  parents_[index(other)] = {root, root == of_b.root ? power : 1 / power};
  if (reasons_[index(other)] != kFree) pin(root, reasons_[index(other)]);
}

void LogScales::sum(Variable y, Variable a, Variable b) { sums_.push_back({y, a, b}); }

/// s_y - s_a - s_b over the roots that are not known to be 0.
std::vector<LogScales::Term> LogScales::combined(const Sum& sum) const {
  std::vector<Term> terms;
  double sign = 1;
  for (const Variable v : sum) {
    const Place place = find(v);
    if (reasons_[index(place.root)] == kFree) add_term(terms, place.root, sign * place.power);
    sign = -1;
  }
  return terms;
}

/// Whether the sum says no more than what is known now.
bool LogScales::settle(const Sum& sum) {
  const std::vector<Term> terms = combined(sum);
  if (terms.size() > 2) return false;
  if (terms.size() == 2) relate(terms[0].unknown, -terms[1].power / terms[0].power, terms[1].unknown);
  if (terms.size() == 1) {
    Reason why = kContradiction;
    for (const Variable v : sum)
      if (const Reason known = reasons_[index(find(v).root)]; known != kFree) why = std::min(why, known);
    pin(terms[0].unknown, why);
  }
  return true;
}

/// Solves what is left for the last of its unknowns.
void LogScales::eliminate(const Sum& sum) {
  std::vector<Term> terms;
  for (const Term& term : combined(sum))
    for (const Term& free : of(term.unknown)) add_term(terms, free.unknown, term.power * free.power);
  if (terms.empty()) return;
  const auto last = std::ranges::max_element(terms, {}, &Term::unknown);
  const Term pivot = *last;
  terms.erase(last);
  for (Term& term : terms) term.power /= -pivot.power;
  if (terms.empty()) {
    pin(pivot.unknown, kContradiction);
  } else {
    eliminated_[pivot.unknown] = std::move(terms);
  }
}

void LogScales::solve() {
  // Facts run along the graph mostly forwards, in the order of the relations, and otherwise backwards.
  for (std::size_t left = sums_.size() + 1; left != sums_.size();) {
    left = sums_.size();
    std::erase_if(sums_, [&](const Sum& sum) { return settle(sum); });
    std::ranges::reverse(sums_);
  }
  for (const Sum& sum : sums_) eliminate(sum);
}

std::vector<LogScales::Term> LogScales::of(Variable v) const {
  const Place place = find(v);
  if (reasons_[index(place.root)] != kFree) return {};
  const auto at = eliminated_.find(place.root);
  if (at == eliminated_.end()) return {{place.root, place.power}};
  std::vector<Term> terms;
  for (const Term& part : at->second)
    for (const Term& free : of(part.unknown))
      add_term(terms, free.unknown, place.power * part.power * free.power);
  return terms;
}

std::optional<LogScales::Reason> LogScales::reason(Variable v) const {
  const Reason known = reasons_[index(find(v).root)];
  if (known != kFree) return known;
  return of(v).empty() ? std::optional(kContradiction) : std::nullopt;
}

}  // namespace isorbit::core
