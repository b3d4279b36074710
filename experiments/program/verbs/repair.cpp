#include "experiments/sweep/repair.hpp"

#include <ostream>

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

  /// What is found, and done, in a sentence; and whether the cell then needs no more.
  std::pair<std::string, bool> operator()(const Cell& cell) {
    const std::filesystem::path folder = locate(results.folder, cell);
    const std::vector<Attempt> attempts = attempts_in(folder);
    if (attempts.empty() && !std::filesystem::exists(folder))
      return {"nothing there: isorbit run trains it", false};
    if (!attempts.empty() && watch.is_alive(attempts.front().folder / "lease") &&
        !is_complete(folder, cell.id))
      return {holder_of(folder) + " works on it; left alone", false};
    const Examination found = examine(folder, cell.id, true);
    if (dry || (found.need == Need::nothing && found.aside.empty()))
      return {found.text, found.need == Need::nothing};
    std::optional<Claim> claim = Claim::take(folder, watch);
    if (!claim) return {holder_of(folder) + " works on it; left alone", false};
    mend(folder, found);
    std::move(*claim).abandon();
    if (found.need == Need::training) return {found.text + " by isorbit run", false};
    return {found.text, is_complete_to_the_byte(folder, cell.id)};
  }
};

}  // namespace

int repair(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "repair DIR [options]",
      "Reads every run.h5 of a sweep to the byte, finishes what was cut off between the end of the training\n"
      "and its publication, puts damaged results aside as <name>.damaged, and makes run.h5 again from the\n"
      "journal of the attempt it came from. Nothing is trained and nothing deleted. Says what each cell\n"
      "needs; exit code 3 when some cell still needs isorbit run.");
  line.option("dry-run", "", "say what would be done, and change nothing");
  add_sweep_options(line);
  if (!line.parse(console, arguments)) return 0;
  const Results results = results_from(line);
  Repair repair{results};
  repair.dry = line.has("dry-run");
  TextTable table({"id", "cell", ""});
  bool all = true;
  for (const Cell& cell : results.known()) {
    const auto [text, complete] = repair(cell);
    table.add({short_id(cell.id), cell.folder.string(), text});
    all = all && complete;
  }
  console.out << table.text();
  return all ? 0 : 3;
}

}  // namespace isorbit::experiments::verb
