// How much memory this process may take: what the machine has to spare, and what its control groups allow
// (a container's, a batch system's), whichever is less.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace isorbit::experiments {

struct MemoryBudget {
  double bytes = 0;
  std::string source;  // "MemAvailable of the machine", "memory.max of /sys/fs/cgroup/job_7"
};

/// `root` stands for "/", for tests. Nine tenths of what is there, for forecasts err, with what this process
/// already holds. Infinite where the system says nothing.
[[nodiscard]] MemoryBudget memory_budget(const std::filesystem::path& root = "/");

/// Bytes of "1.5GB", "800M", "2 GiB" or "1000000"; nothing for any other text, and for none at all.
[[nodiscard]] std::optional<double> bytes_from(const std::string& text);

}  // namespace isorbit::experiments
