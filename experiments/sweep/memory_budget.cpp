#include "experiments/sweep/memory_budget.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "experiments/timing/process_memory.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

constexpr double kShare = 0.9;
constexpr double kNoLimit = 1e18;  // version 1 writes the largest number of pages for "none"

std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double value = 0;
  if (in >> value) return value;
  return std::nullopt;  // also "max"
}

/// The number after a word at the beginning of a line.
std::optional<double> number_after(const fs::path& file, const std::string& word) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string first;
    double value = 0;
    if (fields >> first >> value && first == word) return value;
  }
  return std::nullopt;
}

/// Files of one version of control groups.
struct Version {
  const char* mount;
  const char *limit, *used, *reclaimable;
};
constexpr Version kUnified = {"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
constexpr Version kMemory = {"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                             "total_inactive_file"};

/// Takes into `budget` what a group and those it is in leave free: a page of a file that nobody has read for
/// long gives way.
void take_group(const fs::path& root, const Version& version, const fs::path& group, MemoryBudget& budget) {
  const fs::path mount = root / version.mount;
  for (fs::path at = group.relative_path();; at = at.parent_path()) {
    const fs::path folder = at.empty() ? mount : mount / at;
    const std::optional<double> limit = number_in(folder / version.limit);
    if (limit && *limit < kNoLimit) {
      const double used = number_in(folder / version.used).value_or(0);
      const double idle = number_after(folder / "memory.stat", version.reclaimable).value_or(0);
      const double free = *limit - std::max(0.0, used - idle);
      if (free < budget.bytes) budget = {free, std::string(version.limit) + " of " + folder.string()};
    }
    if (at.empty()) return;
  }
}

}  // namespace

MemoryBudget memory_budget(const fs::path& root) {
  MemoryBudget budget{std::numeric_limits<double>::infinity(), "unlimited"};
  if (const auto free = number_after(root / "proc/meminfo", "MemAvailable:"))
    budget = {*free * 1024, "MemAvailable of the machine"};
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/path" or "4:memory:/path"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      path = line.substr(second + 1);
    if (controllers.empty()) take_group(root, kUnified, path, budget);
    if (("," + controllers + ",").find(",memory,") != std::string::npos)
      take_group(root, kMemory, path, budget);
  }
  budget.bytes = kShare * (std::max(0.0, budget.bytes) + static_cast<double>(resident_bytes()));
  return budget;
}

std::optional<double> bytes_from(const std::string& text) {
  double value = 0;
  const auto [stopped, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(value > 0)) return std::nullopt;
  std::string unit(stopped, text.data() + text.size());
  unit.erase(0, unit.find_first_not_of(' '));
  constexpr std::pair<const char*, double> units[] = {
      {"", 1},         {"B", 1},           {"K", 1e3},           {"kB", 1e3}, {"M", 1e6},
      {"MB", 1e6},     {"G", 1e9},         {"GB", 1e9},          {"T", 1e12}, {"TB", 1e12},
      {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}};
  for (const auto& [name, factor] : units)
    if (unit == name) return value * factor;
  return std::nullopt;
}

}  // namespace isorbit::experiments
