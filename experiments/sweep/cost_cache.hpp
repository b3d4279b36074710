// What was timed on this machine before, kept where users expect caches: costs-<machine>.json in
// $XDG_CACHE_HOME/isorbit, else ~/.cache/isorbit. A machine is its CPU, instruction set, number of cores and
// the versions of this program and of oneDNN; another one has another file. What cannot be read is timed
// again: a cache is never an error.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/unit_costs.hpp"

namespace isorbit::experiments {

/// Cells that are the same work: their timed and their nominal costs.
struct CostEntry {
  std::string key;  // workload_key()
  int threads = 1;
  std::string dtype;  // that is computed in
  UnitCosts nominal, timed;
};

/// SHA-256 (hex) of what decides the costs of a cell's parts: its model, batch, threads and precision, and of
/// its method everything but rates and other numbers that are no integers. Cells that differ in a learning
/// rate share one.
[[nodiscard]] std::string workload_key(const core::Json& document, const std::string& model_id,
                                       const Method& method);

class CostCache {
 public:
  /// Reads <folder>/costs-<machine>.json. No folder: remembers nothing.
  explicit CostCache(std::filesystem::path folder);

  [[nodiscard]] const CostEntry* find(const std::string& key) const;
  [[nodiscard]] std::span<const CostEntry> entries() const { return entries_; }
  void add(CostEntry entry);
  /// Writes what was added beside what others have written meanwhile. False where the disk does not take it.
  bool save() const;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::vector<CostEntry> entries_;
  std::size_t read_ = 0;  // of entries_: the others are new
};

}  // namespace isorbit::experiments
