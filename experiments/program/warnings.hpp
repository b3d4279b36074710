// What a sweep is warned of, on the way to its first step.
#pragma once
#include "experiments/program/command_line.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// --strict.
void add_strict_option(CommandLine& line);

/// Prints the warnings of a sweep to the console's err, a line each after "warning: "; with --strict, or
/// where the sweep says so, throws them as a DocumentError.
void say_warnings(Console& console, const CommandLine& line, const Sweep& sweep);
/// The same of other documents.
void say_warnings(Console& console, const CommandLine& line, std::vector<core::Problem> warnings,
                  bool strict = false);

}  // namespace isorbit::experiments
