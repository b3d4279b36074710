// Unknown logarithms s_v of positive factors under linear relations
//   s_v = 0,   s_a = k s_b,   s_y = s_a + s_b
// and all that satisfies them. Variables bound by the first two fall into classes with one unknown each
// (union-find that carries k); the third mostly does so too, as soon as one of its three classes is known to
// be 0 or two are one. What it leaves is eliminated. Time is near linear in the number of variables.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace isorbit::core {

class LogScales {
 public:
  using Variable = std::int32_t;
  /// Why a variable is 0; a class keeps the smallest of its members' reasons.
  using Reason = std::int32_t;
  /// Of variables that relations contradict, as s = -s does.
  static constexpr Reason kContradiction = INT32_MAX;

  /// Adds so many free variables in a row and returns the first.
  Variable add(std::int64_t count);
  void pin(Variable v, Reason reason);
  /// s_a = k s_b, k not 0.
  void relate(Variable a, double k, Variable b);
  /// s_y = s_a + s_b.
  void sum(Variable y, Variable a, Variable b);
  /// Finds the free unknowns; to be called once, after all relations.
  void solve();

  /// s_v as a sum over free unknowns, each known by the first variable of its class. Empty: it is 0.
  struct Term {
    Variable unknown;
    double power;
  };
  [[nodiscard]] std::vector<Term> of(Variable v) const;
  /// Why s_v is 0; nothing: it is not.
  [[nodiscard]] std::optional<Reason> reason(Variable v) const;

 private:
  struct Place {
    Variable root;
    double power;  // s_v = power * s_root
  };
  using Sum = std::array<Variable, 3>;
  [[nodiscard]] Place find(Variable v) const;
  [[nodiscard]] std::vector<Term> combined(const Sum& sum) const;
  bool settle(const Sum& sum);
  void eliminate(const Sum& sum);

  mutable std::vector<Place> parents_;
  std::vector<Reason> reasons_;  // of roots; kFree: none
  std::vector<Sum> sums_;
  std::map<Variable, std::vector<Term>> eliminated_;  // a root as a sum over others
};

}  // namespace isorbit::core
