#include "experiments/program/warnings.hpp"

#include <ostream>

namespace isorbit::experiments {

void add_strict_option(CommandLine& line) {
  line.option("strict", "",
              "warnings (what does nothing in a run: an event that never happens, a warm-up longer than the "
              "run, an arm that is another's run) are errors: exit code 2, and nothing is started");
}

void say_warnings(Console& console, const CommandLine& line, const Sweep& sweep) {
  say_warnings(console, line, sweep.warnings, sweep.strict);
}

void say_warnings(Console& console, const CommandLine& line, std::vector<core::Problem> warnings,
                  bool strict) {
  if (!warnings.empty() && (strict || line.has("strict"))) throw core::DocumentError(std::move(warnings));
  for (const core::Problem& warning : warnings) console.err << "warning: " << warning.text() << "\n";
}

}  // namespace isorbit::experiments
