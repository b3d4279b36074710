// A row of the journal as the record holds it: the series it belongs to, and a value for each column.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
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

/// Of a train, valid, measure, event or segment row; nothing of any other. `groups`: names of the method's
/// groups, of a "groups" row before it; the learning rate of the first is "learning_rate", of another
/// "learning_rate:<name>". Throws Json::exception where a row has not what its kind has.
[[nodiscard]] std::optional<RecordRow> record_row(const core::Json& row,
                                                  std::span<const std::string> groups = {});

/// The names in a "groups" row; nothing of any other.
[[nodiscard]] std::optional<std::vector<std::string>> group_names(const core::Json& row);

}  // namespace isorbit::experiments
