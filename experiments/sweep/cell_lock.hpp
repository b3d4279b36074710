// Who works in a cell's folder: a lock that dies with its process, whatever kills it.
#pragma once
#include <filesystem>
#include <optional>

namespace isorbit::experiments {

/// An exclusive lock on <folder>/lock; released when destroyed.
class CellLock {
 public:
  /// Makes the folder. Nothing when another process holds the lock. Throws std::system_error with the path.
  [[nodiscard]] static std::optional<CellLock> take(const std::filesystem::path& folder);
  /// Whether some process holds the lock; makes nothing.
  [[nodiscard]] static bool is_taken(const std::filesystem::path& folder);

  ~CellLock();
  CellLock(CellLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  CellLock& operator=(CellLock&&) = delete;

 private:
  explicit CellLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace isorbit::experiments
