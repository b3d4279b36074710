// A value on one line of output.
#pragma once
#include <string>

#include "core/document/json.hpp"

namespace isorbit::core {

/// With a line feed; what is not UTF-8 in a text (the name of a file) is written as U+FFFD.
[[nodiscard]] inline std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace isorbit::core
