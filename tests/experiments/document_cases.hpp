// Documents as data: every folder of a place but common/ is a case. Its .json files lie over those of
// tests/errors/common/, its `command` runs there, and stderr must be its `expected`.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {

/// The cases of a folder of tests/, "errors".
inline std::filesystem::path case_folder(const std::string& place) {
  return std::filesystem::path(ISORBIT_SOURCE_DIR) / "tests" / place;
}

inline std::vector<std::string> cases_of(const std::string& place) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(case_folder(place)))
    if (entry.is_directory() && entry.path().filename() != "common")
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Lays the documents of a case into the sweep's folder and returns its command.
inline std::string lay_out(const std::filesystem::path& folder, const SmallSweep& here) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json")
      std::filesystem::copy_file(entry.path(), here.path() / entry.path().filename(),
                                 std::filesystem::copy_options::overwrite_existing);
  std::string command = contents(folder / "command");
  command.erase(command.find_last_not_of('\n') + 1);
  return command;
}

}  // namespace isorbit::experiments
