#include "experiments/sweep/repair.hpp"

#include <ostream>

#include "core/record/unreadable.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/claim.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/attempts.hpp"

namespace isorbit::experiments::verb {
namespace {

struct Repair {
  const Results& results;
  LeaseWatch watch = {};
  bool dry = false;
  bool failed = false;  // of some cell it could not be told what it needs, or that could not be done

  /// The same for a table: an error is what was found.
  std::pair<std::string, bool> tried(const Cell& cell) {
    try {
      return (*this)(cell);
    } catch (const std::exception& error) {
      failed = true;
      return {std::string(error.what()) + "; left as it is", false};
    }
  }

  /// What is found, and done, in a sentence; and whether the cell then needs no more.
  std::pair<std::string, bool> operator()(const Cell& cell) {
    const std::filesystem::path folder = locate(results.folder, cell);
    const std::vector<Attempt> attempts = attempts_in(folder);
    if (attempts.empty() && !core::is_there(folder)) return {"nothing there: isorbit run trains it", false};
    if (!attempts.empty() && watch.is_alive(attempts.front().folder / "lease") &&
        !is_complete(folder, cell.id))
      return {holder_of(folder) + " works on it; left alone", false};
    const Examination found = examine(folder, cell.id, true);
    if (dry || (found.need == Need::nothing && found.aside.empty()))
      return {found.text, found.need == Need::nothing};
    std::optional<Claim> claim = Claim::take(folder, watch);
    if (!claim) return {holder_of(folder) + " works on it; left alone", false};
    try {
      mend(folder, found);
    } catch (...) {
      std::move(*claim).abandon();
      throw;
    }
    std::move(*claim).abandon();
    if (found.need == Need::training) return {found.text + " by isorbit run", false};
    return {found.text, is_complete_to_the_byte(folder, cell.id)};
  }
};

}  // namespace

int repair(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "repair DIR [options]",
      "Reads every run.h5 and weights.safetensors of a sweep to the byte, finishes what was cut off between "
      "the\n"
      "end of the training and its publication, puts damaged files aside as <name>.damaged, and takes those "
      "of\n"
      "the attempt they came from, or makes run.h5 again from its journal. Nothing is trained and nothing\n"
      "deleted. Says what each cell needs; exit code 3 when some cell still needs isorbit run, 1 when one "
      "could\n"
      "not be read or mended, which is left as it is.");
  line.option("dry-run", "", "say what would be done, and change nothing");
  add_sweep_options(line);
  if (!line.parse(console, arguments)) return 0;
  const Results results = results_from(line);
  Repair repair{results};
  repair.dry = line.has("dry-run");
  TextTable table({"id", "cell", ""});
  bool all = true;
  for (const Cell& cell : results.known()) {
    const auto [text, complete] = repair.tried(cell);
    table.add({short_id(cell.id), cell.folder.string(), text});
    all = all && complete;
  }
  console.out << table.text();
  return repair.failed ? 1 : all ? 0 : 3;
}

}  // namespace isorbit::experiments::verb
