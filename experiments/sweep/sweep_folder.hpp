// The folder of a sweep's results, and where in it each cell has its files.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// Looks through the folder at most once, at the first cell that is not where its labels put it: to ask for
/// many cells, ask one of these.
class SweepFolder {
 public:
  SweepFolder() : SweepFolder(std::filesystem::path()) {}
  SweepFolder(std::filesystem::path path);  // NOLINT: a path of a sweep's folder stands for it

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The folder that carries the cell's id where there is one (labels change when axes are added, ids do
  /// not), else the cell's own. For several threads at a time. Throws std::system_error with the path where
  /// that cannot be told.
  [[nodiscard]] std::filesystem::path of(const Cell& cell) const;

 private:
  struct Index;
  std::filesystem::path path_;
  std::shared_ptr<Index> index_;
};

/// Whether a name is, or may become, that of a file or folder of the sweep's own, beside its arms' folders:
/// "plan.json", and what it is written as before it is whole.
[[nodiscard]] bool is_own_name(std::string_view name);

/// Where the cell's files are in a sweep's folder.
[[nodiscard]] inline std::filesystem::path locate(const SweepFolder& folder, const Cell& cell) {
  return folder.of(cell);
}

}  // namespace isorbit::experiments
