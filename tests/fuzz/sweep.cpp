// A sweep document beside small models, methods and a corpus; what follows a NUL byte are overrides, one a
// line. It is multiplied out, or refused as a document.
#include "experiments/sweep/sweep.hpp"

#include <algorithm>
#include <set>

#include "tests/fuzz/scratch.hpp"
#include "tests/fuzz/small_model.hpp"

namespace isorbit::fuzz {
namespace {

std::filesystem::path prepared() {
  const std::filesystem::path common =
      std::filesystem::path(ISORBIT_SOURCE_DIR) / "tests" / "errors" / "common";
  std::filesystem::copy(common, Scratch::folder() / "sweep", std::filesystem::copy_options::recursive);
  std::string text;
  for (int i = 0; text.size() < 4096; ++i)
    text += "the cat number " + std::to_string(i * 37 % 101) + " sat.\n";
  scratch_file("sweep/data/prose/train.txt", text);
  scratch_file("sweep/data/prose/valid.txt", std::string_view(text).substr(0, 1024));
  scratch_file("sweep/small.json", small_model_text);
  scratch_file("sweep/both.json", small_method_text);
  return Scratch::folder() / "sweep";
}

void check_cells(const experiments::Sweep& sweep) {
  std::set<std::string> ids, folders;
  for (const experiments::Cell& cell : sweep.cells) {
    claim(cell.id.size() == 64 && ids.insert(cell.id).second, "a cell has an identity of its own");
    claim(folders.insert(cell.folder.string()).second, "a cell has a folder of its own");
    const bool inside = cell.folder.is_relative() &&
                        std::ranges::none_of(cell.folder, [](const auto& part) { return part == ".."; });
    claim(inside, "a cell's folder is within the sweep's: " + cell.folder.string());
    claim(is_utf8(cell.folder.string()), "a cell's folder is UTF-8");
    claim(cell.facts.steps > 0 && cell.facts.parameters > 0, "a cell trains something");
  }
}

}  // namespace

void sweep(Input input) {
  static const std::filesystem::path folder = prepared();
  std::string_view rest = text_of(input);
  const std::string_view document = take_until(rest, '\0');
  std::vector<std::string> overrides;
  while (!rest.empty()) overrides.emplace_back(take_until(rest, '\n'));
  scratch_file("sweep/fuzzed.json", document);
  try {
    check_cells(experiments::read_sweep({folder / "fuzzed.json", overrides, folder / "data"}));
  } catch (const core::DocumentError& error) {
    check_problems(error);
  }
}

}  // namespace isorbit::fuzz
