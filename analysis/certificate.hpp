// Whether a run kept what its method says it keeps, from its record alone.
//
// A weight whose parametrization states a bound (POET) must keep its singular values. Two things are asked
// of it. Each move, a merge or what is not merged yet, is within the bound stated before it: truncation and
// rounding explain it. And all moves together,
//   drift(t) = max_k |s_k(t) - f(t) s_k(0)| / (f(t) s_0(0)),   f(t): product of the factors of rescales
//   since,
// are within a tolerance: moves that are explained one by one may add up. With three Neumann terms an
// eigenvalue pair +-it of Q shrinks by t^4 at every merge, 3000 merges at t = 0.1 to 0.741, each within its
// bound; with four it grows by t^10 / 2.
//
// To keep what never moved is no merit. A weight that is trained and whose singular values are zeros, or
// whose coordinates stay where they started, or (where nothing is claimed of it) whose singular values are
// the same bits in every snapshot, is dead. And where a method declares an event that the record has no row
// of, nothing happened.
//
// A rescale must keep the model's logits: its largest change, relative to the largest logit, is within the
// tolerance it was given.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/record/run_file.hpp"

namespace isorbit::analysis {

/// The default tolerance of drift, as a part of the largest singular value. Rounding in f32 over thousands of
/// merges stays below it (4e-6 each at blocks of 64, mostly of either sign), and a spectrum that is free
/// moves by far more (by 0.3 to 5 in 300 steps of AdamW): a hundredth tells them apart.
inline constexpr double kDriftTolerance = 1e-2;

/// none: there was nothing to keep. dead: never moved. idle: a declared event never happened.
enum class Verdict { none, kept, not_measured, idle, dead, broken };
[[nodiscard]] const char* name_of(Verdict verdict);

/// NaN where there is none.
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct WeightCertificate {
  std::string weight;
  bool claims = false;             // a bound was stated
  double bound_before = kUnknown;  // of the move at the start of training: rounding
  std::size_t merges = 0;
  /// The move that came nearest to its bound or passed it most.
  double defect = kUnknown, bound = kUnknown;
  std::int64_t defect_step = 0;
  double explained = 0;     // product of 1 + defect over all merges, less 1
  double drift = kUnknown;  // the largest over all snapshots
  std::int64_t drift_step = 0;
  std::size_t snapshots = 0;
  std::size_t comparisons = 0;  // of snapshots with an earlier one; none across a rescale by channel
  Verdict verdict = Verdict::none;
  std::string reason;  // of a verdict that is not kept
};

/// All rescales of a step.
struct RescaleCertificate {
  std::int64_t step = 0;
  std::size_t weights = 0;
  double defect = kUnknown, tolerance = kUnknown, ulp = kUnknown;
  Verdict verdict = Verdict::none;
};

struct Certificate {
  double tolerance = kDriftTolerance;
  std::vector<WeightCertificate> weights;  // those that claim or are dead, in order of first appearance
  std::vector<RescaleCertificate> rescales;
  std::size_t free_weights = 0;     // matrices nothing is claimed of
  std::vector<std::string> never;   // events that were declared and did not happen
  Verdict verdict = Verdict::none;  // the worst of them
};

/// What the method of a run says it does.
struct Declared {
  std::vector<std::string> events;   // by name
  std::vector<std::string> trained;  // weights
};

/// One row of /event. ulp: NaN where the record has none.
struct EventFacts {
  std::int64_t step = 0;
  std::string kind, parameter;
  double factor = kUnknown;  // of a rescale; NaN: several
  double defect = kUnknown, bound = kUnknown, ulp = kUnknown;
};

/// Takes rows in the order they were made.
class Certifier {
 public:
  /// Without what is declared every weight that claims is trained, and no event is missed.
  explicit Certifier(double tolerance = kDriftTolerance, std::optional<Declared> declared = {})
      : tolerance_(tolerance), declared_(std::move(declared)) {}

  void event(const EventFacts& row);
  /// Singular values, descending.
  void spectrum(std::int64_t step, const std::string& weight, std::span<const float> values);
  /// What is not merged yet at a snapshot.
  void unmerged(std::int64_t step, const std::string& weight, double defect, double bound);
  /// What tells, at a snapshot, where the weight's coordinates are: the same numbers as long as they stay.
  void place(const std::string& weight, std::span<const double> numbers);

  [[nodiscard]] Certificate certificate() const;

 private:
  struct Weight {
    WeightCertificate facts;
    std::vector<float> reference;  // the first spectrum
    double factor = 1;             // of rescales since
    bool uneven = false;           // a rescale had several factors: the next spectrum is the reference
    std::vector<float> first;      // spectrum
    bool changed = false;          // some spectrum has other bits than the first
    std::vector<double> begun;     // the first place
    bool went = false;             // some place is another
  };
  [[nodiscard]] bool is_trained(const Weight& weight) const;
  [[nodiscard]] std::string why_dead(const Weight& weight) const;
  Weight& weight(const std::string& name);
  void scaled(const EventFacts& row);
  void moved(Weight& weight, std::int64_t step, double defect, double bound);

  double tolerance_;
  std::optional<Declared> declared_;
  std::set<std::string> happened_;  // kinds
  std::vector<Weight> weights_;
  std::map<std::string, std::size_t> index_;
  std::vector<RescaleCertificate> rescales_;
};

/// Throws std::runtime_error where the record's tables are not a run's.
[[nodiscard]] Certificate certify(const core::RunRecord& record, double tolerance = kDriftTolerance,
                                  std::optional<Declared> declared = {});

}  // namespace isorbit::analysis
