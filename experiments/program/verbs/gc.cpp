#include <ostream>

#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/garbage.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {

int gc(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "gc DIR [options]",
      "Removes what nobody needs any more: the attempts of complete cells (run.h5 and weights.safetensors\n"
      "stay, but a run.h5 that is damaged later can no longer be made again from its journal), attempts at\n"
      "other cells that later ones follow, and claims that were never made. Of a cell that is not complete\n"
      "it keeps the newest attempt and the two newest with a checkpoint; it touches nothing whose owner may\n"
      "be alive. It says what it removes, and the bytes.");
  line.option("failed", "", "also attempts that failed, but for the newest")
      .option("dry-run", "", "say what would be removed, and remove nothing");
  add_sweep_options(line);
  if (!line.parse(console, arguments)) return 0;
  const Results results = results_from(line);
  const bool dry = line.has("dry-run");
  std::uint64_t bytes = 0;
  for (const Cell& cell : results.known()) {
    for (const Garbage& garbage : garbage_of(results.folder, cell, line.has("failed"))) {
      console.out << garbage.path.string() << " " << scaled(static_cast<double>(garbage.bytes), "B") << ": "
                  << garbage.why << "\n";
      if (!dry) remove_garbage(garbage);
      bytes += garbage.bytes;
    }
  }
  console.out << bytes << " bytes " << (dry ? "would be freed" : "freed") << "\n";
  return 0;
}

}  // namespace isorbit::experiments::verb
