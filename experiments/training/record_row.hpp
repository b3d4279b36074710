// A row of the journal as the record holds it: the series it belongs to, and a value for each column.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/document/json.hpp"

namespace isorbit::experiments {

struct RecordValue {
  std::string column;
  std::variant<std::int64_t, double, std::string> value;
  const char* unit = "";
  const char* long_name = "";
};

struct RecordRow {
  std::string series;  // "train", "measure/<parameter>", ...
  std::vector<RecordValue> values;
};

/// Of a train, valid, measure, event or segment row; nothing of any other. Throws Json::exception where a
/// row has not what its kind has.
[[nodiscard]] std::optional<RecordRow> record_row(const core::Json& row);

}  // namespace isorbit::experiments
