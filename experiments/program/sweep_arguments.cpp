#include "experiments/program/sweep_arguments.hpp"

#include "core/document/json_cursor.hpp"
#include "core/document/printable.hpp"
#include "experiments/data/corpus.hpp"
#include "experiments/sweep/manifest.hpp"

namespace isorbit::experiments {

void add_sweep_options(CommandLine& line) {
  line.option(
          "data", "DIR",
          "where the corpora are, each a folder with train.txt and valid.txt; else $ISORBIT_DATA, else data")
      .option("seed", "N", "this seed in place of the sweep's")
      .option("output,o", "DIR", "where the results are; else runs/<name>");
}

void add_selection_options(CommandLine& line) {
  line.option("only", "NAME=VALUE,...",
              "the cells these hold for: arm (poet*), seed (0,1), id (its beginning), an axis; more than "
              "once: any of them")
      .option("limit", "N", "at most so many cells");
}

std::filesystem::path data_dir_from(const CommandLine& line) {
  const std::optional<std::string> given = line.text("data");
  return given ? std::filesystem::path(*given) : default_data_dir();
}

SweepRequest sweep_request_from(const CommandLine& line) {
  SweepRequest request{line.first("sweep document"), line.rest(), data_dir_from(line)};
  for (const std::string& text : request.overrides)
    if (!core::is_utf8(text))
      throw UsageError("found \"" + core::as_utf8(text) +
                       "\"; expected an override of UTF-8, as documents are");
  if (const auto seed = line.integer("seed", 0))
    request.overrides.push_back("seeds=" + std::to_string(*seed));
  return request;
}

Sweep sweep_from(const CommandLine& line) { return read_sweep(sweep_request_from(line)); }

Selection selection_from(const CommandLine& line) {
  Selection selection{line.texts("only"), {}};
  if (const auto limit = line.integer("limit", 1)) selection.limit = static_cast<std::size_t>(*limit);
  return selection;
}

std::filesystem::path folder_for(const CommandLine& line, const Sweep& sweep) {
  const std::optional<std::string> given = line.text("output");
  return given ? std::filesystem::path(*given) : std::filesystem::path("runs") / sweep.name;
}

Results results_from(const CommandLine& line) {
  const std::filesystem::path first = line.first("sweep document or folder of results");
  std::error_code error;
  if (std::filesystem::is_directory(first, error)) {
    line.at_most(1);
    return {read_manifest(first), first};
  }
  Sweep sweep = sweep_from(line);
  std::filesystem::path folder = folder_for(line, sweep);
  return {std::move(sweep), std::move(folder)};
}

}  // namespace isorbit::experiments
