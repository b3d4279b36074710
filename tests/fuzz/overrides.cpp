// Overrides as on a command line, one a line, and a line that begins with "--only " as what selects cells.
// The sweep they are written into stays a document that can be printed, read and checked.
#include "experiments/sweep/overrides.hpp"

#include "experiments/sweep/selection.hpp"
#include "experiments/sweep/sweep.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

constexpr std::string_view only = "--only ";

const core::Document& document() {
  static const core::Document read = core::parse_document(R"({
    "name": "s",
    "model": { "file": "m.json", "constants": { "width": 8 } },
    "data": { "corpus": "c", "tokenizer": "bytes" },
    "training": { "steps": 10 },
    "arms": { "a": { "method": "x.json", "set": { "r": 1 }, "tune": { "b": [1, 2] } }, "b": { "method": "y.json" } },
    "parameters": { "method.r": [1, 2], "training.steps": [5, 6] },
    "zip": [{ "model.width": [8, 16], "model.depth": [1, 2] }],
    "seeds": [0, 1]
  })",
                                                          "sweep.json");
  return read;
}

experiments::Sweep cells() {
  experiments::Sweep sweep;
  for (const char* arm : {"poet", "adamw"}) {
    experiments::Cell cell;
    cell.arm = arm;
    cell.id = std::string(64, arm[0]);
    cell.changed = {{"method.rate", 1e-3}, {"model.size", "micro"}, {"training.steps", 5}};
    sweep.cells.push_back(cell);
  }
  return sweep;
}

void check_selection(std::vector<std::string> terms) {
  static const experiments::Sweep sweep = cells();
  try {
    claim(experiments::select(sweep, {std::move(terms), {}}).size() <= sweep.cells.size(),
          "what is selected is of the sweep");
  } catch (const core::DocumentError& error) {
    claim(!error.problems().empty(), "an error names a problem");
  }
}

}  // namespace

void overrides(Input input) {
  std::string_view rest = text_of(input);
  std::vector<std::string> texts, selected;
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    const bool selects = line.starts_with(only);
    if (selects) line.remove_prefix(only.size());
    (selects ? selected : texts).emplace_back(line);
  }
  if (!selected.empty()) check_selection(selected);

  static const core::Spec spec = experiments::sweep_spec();
  core::Json sweep = document().root;
  core::Problems problems;
  const std::vector<experiments::Override> written = experiments::apply_overrides(sweep, texts, problems);
  const bool all = written.size() + problems.size() == texts.size();
  (void)core::resolve(sweep, spec, {&document(), "", nullptr}, problems);
  claim(all || !problems.empty(), "an override is written, or is a problem, or meets one");
  const std::string printed = core::canonical(sweep);
  claim(core::canonical(core::parse_document(printed, "printed").root) == printed,
        "a sweep with overrides is a document");
  try {
    problems.throw_if_any();
  } catch (const core::DocumentError& error) {
    check_problems(core::DocumentError(experiments::relabelled(error.problems(), "sweep.json", written)));
  }
}

}  // namespace isorbit::fuzz
