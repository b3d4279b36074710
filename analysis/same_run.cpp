#include "analysis/same_run.hpp"

#include <algorithm>

#include "analysis/text.hpp"

namespace isorbit::analysis {
namespace {

/// What the one leaves out and the other does not, joined by "and".
std::string left_out(const RunLabel& of, const RunLabel& but) {
  std::string text;
  for (const std::string& sentence : of.idle)
    if (std::ranges::find(but.idle, sentence) == but.idle.end())
      text += (text.empty() ? "" : " and ") + sentence;
  return text;
}

}  // namespace

bool is_same_run(const RunLabel& a, const RunLabel& b) {
  return a.cell_id == b.cell_id || (!a.run.empty() && a.run == b.run);
}

std::string same_run_text(const RunLabel& run, const RunLabel& other) {
  const std::string changed =
      run.arm == other.arm || run.changed != other.changed ? changed_text(other.changed) : std::string();
  const std::string same = "same as " + other.arm + (changed.empty() ? "" : " " + changed);
  if (run.cell_id == other.cell_id) return same + ": same document";
  if (const std::string own = left_out(run, other); !own.empty()) return same + ": " + own;
  if (const std::string theirs = left_out(other, run); !theirs.empty()) return same + ", which " + theirs;
  return same + ": the same in other words";
}

}  // namespace isorbit::analysis
