// The table a sweep is run for: arms by seeds, and each arm's difference to the baseline, paired by seed.
//
// It says no more than its numbers can carry: a seed without a number says what happened to it, an arm with
// such seeds has no mean and no difference unless survivors are asked for, values on other targets are not
// subtracted, few pairs have no p, and the p values of a table are adjusted for being several.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/labelled_run.hpp"
#include "analysis/statistics.hpp"
#include "core/document/json.hpp"

namespace isorbit::analysis {

/// The p of fewer pairs rests on their differences being normal alone: a test of their signs, which assumes
/// nothing of the kind, cannot fall below 0.125.
inline constexpr std::size_t kLeastPairs = 5;

struct CompareOptions {
  std::string metric = "valid/loss";  // <series>/<column>; its last row counts
  bool minimize = true;
  std::string baseline;    // an arm
  bool survivors = false;  // means and differences over the seeds there are, where some are missing
};

/// One arm under one setting of the values that vary.
struct CompareRow {
  std::string arm;
  std::vector<std::pair<std::string, std::string>> changed;
  std::vector<std::optional<double>> values;  // per seed of the table; nothing where there is none
  std::vector<std::string> states;            // per seed: of the run; empty: the sweep has no such cell
  std::vector<RunLabel> runs;                 // those that the sweep has, one a seed
  std::vector<std::string> instead;           // per seed without a value: "diverged at step 62", "no cell"
  std::size_t cells = 0;                      // seeds that the sweep has of it
  Summary summary;                            // of the values; but for n all NaN where it says nothing
  double perplexity = 0;                      // exp(mean); NaN when the metric is no loss
  std::optional<double> unigram_entropy;
  RunBasis basis;
  /// Why its runs are those of its reference, "same as adamw: never rescales in 20 steps"; empty: they are
  /// others. The difference of two that have not even the same document says nothing of a method.
  std::string same_as;
  bool same_document = false;
  bool is_reference = false;       // what other rows with the same values, but for tuning, are compared with
  std::size_t best_of = 0;         // of a reference: of how many settings it was chosen as the best
  std::vector<std::string> tuned;  // the names that those settings differ in
  std::string no_difference;       // why there is none: "other data", "adamw has 2 of 3 seeds"
  std::vector<std::string> notes;  // what else differs from the reference besides the method
  /// To the reference, over the seeds both have: value - reference.
  std::optional<Comparison> difference;
  double difference_deviation = 0;  // sample standard deviation of the paired differences; NaN below two
  std::size_t pairs_planned = 0;    // seeds that the sweep has of both
  double p_adjusted = 0;            // p of the difference, by Holm over the table; NaN where there is none
};

/// A run without a value.
struct MissingRun {
  RunLabel label;
  std::string instead;   // as in the table
  std::string reason;    // a sentence; may be empty
  bool unknown = false;  // what it holds could not be told
};

struct CompareTable {
  CompareOptions options;
  std::vector<std::int64_t> seeds;
  std::vector<CompareRow> rows;
  std::vector<MissingRun> missing;
  std::size_t runs = 0;
  std::size_t tests = 0;  // p values that are adjusted together

  /// Whether some value is not known for a reason outside the run: a file that cannot be read now.
  [[nodiscard]] bool is_unknown() const;
};

/// Two rows over the seeds both have: a - b. Nothing without a common seed. No t, p and interval below
/// kLeastPairs, and none where every pair is equal.
struct Paired {
  Comparison comparison;
  double deviation = 0;  // sample standard deviation of the differences; NaN below two
};
[[nodiscard]] std::optional<Paired> paired(const CompareRow& a, const CompareRow& b);
/// Whether every cell of it has a value.
[[nodiscard]] bool is_complete(const CompareRow& row);
/// "2 of 3 seeds".
[[nodiscard]] std::string seeds_text(const CompareRow& row);
/// Into a line of JSON: "difference", "difference_deviation", "p_value", "p_adjusted", "low", "high",
/// "pairs". The interval is the unadjusted one of 95 %.
void add_paired(core::Json& line, const Paired& pair, double p_adjusted);

/// The reference of a row is the baseline arm with the same values but for "method." names; where the
/// baseline is tuned, its best complete setting by mean. A run that is not done, without the metric, or whose
/// record cannot be read, is missing, with the reason.
[[nodiscard]] CompareTable compare(std::span<const LabelledRun> runs, const CompareOptions& options);

/// `each`: a line for each missing run, else one for all of them.
[[nodiscard]] std::string compare_text(const CompareTable& table, bool each = false);

/// An object a line, first the rows:
///   arm, changed, metric, goal, baseline (whether it is the reference), seeds; per seed values (null where
///   there is none), states and instead (null where there is a value); n values of `cells` seeds; mean,
///   standard_deviation, perplexity (null where seeds are missing, unless survivors is true); notes; best_of,
///   tuned and chosen_on of a reference that is the best of several settings; same_as; no_difference, or
///   those of add_paired with pairs_planned, adjustment ("holm") and tests, over which it adjusts;
///   unigram_entropy.
/// Then the missing runs: arm, changed, seed, cell_id, state, missing (as in instead), reason.
[[nodiscard]] std::string compare_json(const CompareTable& table);

}  // namespace isorbit::analysis
