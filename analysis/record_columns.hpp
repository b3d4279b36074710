// A record as a list of columns, whatever it holds: what tables of its numbers are written from.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/record/run_file.hpp"

namespace isorbit::analysis {

/// A column of a series, or the k-th largest singular value of a spectrum; of a record that must outlive it.
class RecordColumn {
 public:
  RecordColumn(const core::Series& series, const core::Column& column, std::optional<std::int64_t> step);
  RecordColumn(const core::Spectrum& spectrum, std::size_t k);

  std::string series;  // "train", "measure/<parameter>", "spectrum/<parameter>"
  std::string column;  // "loss", "singular_value"
  std::string unit;

  /// What a glob is held against: "train/loss", "spectrum/<parameter>".
  [[nodiscard]] std::string name() const { return spectrum_ ? series : series + "/" + column; }
  /// The same, one for each singular value.
  [[nodiscard]] std::string full_name() const;

  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] bool is_text() const;
  /// Whether its rows are steps of the training.
  [[nodiscard]] bool is_over_steps() const;
  /// Of items, that of the evaluation they belong to, where it is known.
  [[nodiscard]] std::optional<std::int64_t> step(std::size_t row) const;
  /// Of a singular value or an item.
  [[nodiscard]] std::optional<std::int64_t> index(std::size_t row) const;
  /// As it stands in a CSV file; of a text, the text itself.
  [[nodiscard]] std::string value(std::size_t row) const;

 private:
  const core::Column* axis_ = nullptr;
  const core::Column* data_ = nullptr;
  const core::Spectrum* spectrum_ = nullptr;
  std::size_t k_ = 0;
  std::optional<std::int64_t> step_;  // of every row of a table of items
};

/// Calls visit for every column of a record but those of events and checksums. Throws std::runtime_error
/// where the columns of a series are not equally long.
void for_each_column(const core::RunRecord& record, const std::function<void(const RecordColumn&)>& visit);

}  // namespace isorbit::analysis
