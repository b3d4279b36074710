// The option --set NAME=VALUE, which may be repeated.
#pragma once
#include <string>
#include <vector>

#include "experiments/program/command_line.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// In order. Throws UsageError, saying that `expected` was, for one without a name or without one value.
[[nodiscard]] std::vector<Assignment> settings_from(const CommandLine& line, const std::string& expected);

/// Of a verb on a model: constants by name.
[[nodiscard]] core::Json constants_from(const CommandLine& line);

}  // namespace isorbit::experiments
