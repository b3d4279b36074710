#include <ostream>

#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/garbage.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {
namespace {

/// Removes the garbage of a cell, or with `dry` only names it; adds the bytes to what is freed.
void clean(Console& console, const std::vector<Garbage>& found, bool dry, std::uint64_t& freed) {
  for (const Garbage& garbage : found) {
    console.out << garbage.path.string() << " " << scaled(static_cast<double>(garbage.bytes), "B") << ": "
                << garbage.why << "\n";
    if (!dry) remove_garbage(garbage);
    freed += garbage.bytes;
  }
}

}  // namespace

int gc(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "gc DIR [options]",
      "Removes what nobody needs any more: the attempts of complete cells (run.h5 and weights.safetensors\n"
      "stay, but a run.h5 that is damaged later can no longer be made again from its journal), attempts at\n"
      "other cells that later ones follow, and claims that were never made. Of a cell that is not complete\n"
      "it keeps the newest attempt and the two newest with a checkpoint; it touches nothing whose owner may\n"
      "be alive. It says what it removes, and the bytes. Of a cell that cannot be read it removes nothing;\n"
      "the exit code is then 1.");
  line.option("failed", "", "also attempts that failed, but for the newest")
      .option("dry-run", "", "say what would be removed, and remove nothing");
  add_sweep_options(line);
  if (!line.parse(console, arguments)) return 0;
  const Results results = results_from(line);
  const bool dry = line.has("dry-run");
  std::uint64_t bytes = 0;
  bool all = true;
  for (const Cell& cell : results.known()) {
    try {
      clean(console, garbage_of(results.folder, cell, line.has("failed")), dry, bytes);
    } catch (const std::exception& error) {
      console.err << "isorbit: " << cell.folder.string() << ": " << error.what() << "\n";
      all = false;
    }
  }
  console.out << bytes << " bytes " << (dry ? "would be freed" : "freed") << "\n";
  return all ? 0 : 1;
}

}  // namespace isorbit::experiments::verb
