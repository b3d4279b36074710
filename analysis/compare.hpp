// The table a sweep is run for: arms by seeds, and each arm's difference to the baseline, paired by seed.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/labelled_run.hpp"
#include "analysis/statistics.hpp"
#include "core/document/json.hpp"

namespace isorbit::analysis {

struct CompareOptions {
  std::string metric = "valid/loss";  // <series>/<column>; its last row counts
  bool minimize = true;
  std::string baseline;  // an arm
};

/// One arm under one setting of the values that vary.
struct CompareRow {
  std::string arm;
  std::vector<std::pair<std::string, std::string>> changed;
  std::vector<std::optional<double>> values;  // per seed of the table; nothing where the run is missing
  Summary summary;                            // of the values there are
  double perplexity = 0;                      // exp(mean); NaN when the metric is no loss
  std::optional<double> unigram_entropy;
  bool is_reference = false;  // what other rows with the same model, data and training are compared with
  std::string model;
  bool other_model = false;  // than the reference: their values are not compared
  /// To the reference, over the seeds both have: value - reference. Nothing without a common seed, and where
  /// the model is another one.
  std::optional<Comparison> difference;
  double difference_deviation = 0;  // sample standard deviation of the paired differences; NaN below two
};

struct MissingRun {
  RunLabel label;
  std::string reason;
};

struct CompareTable {
  CompareOptions options;
  std::vector<std::int64_t> seeds;
  std::vector<CompareRow> rows;
  std::vector<MissingRun> missing;
};

/// Two rows over the seeds both have: a - b. Nothing without a common seed.
struct Paired {
  Comparison comparison;
  double deviation = 0;  // sample standard deviation of the differences; NaN below two
};
[[nodiscard]] std::optional<Paired> paired(const CompareRow& a, const CompareRow& b);
/// Into a line of JSON: "difference", "difference_deviation", "p_value", "low", "high", "pairs".
void add_paired(core::Json& line, const Paired& pair);

/// The reference of a row is the baseline arm with the same values but for "method." names; where the
/// baseline is tuned, its best complete setting by mean. A run without a record, without the metric, or whose
/// record cannot be read, is missing, with the reason.
[[nodiscard]] CompareTable compare(std::span<const LabelledRun> runs, const CompareOptions& options);

[[nodiscard]] std::string compare_text(const CompareTable& table);
/// An object a line: the rows, then the missing runs ("missing": reason).
[[nodiscard]] std::string compare_json(const CompareTable& table);

}  // namespace isorbit::analysis
