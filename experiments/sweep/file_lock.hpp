// A lock on a file that dies with its process, whatever kills it (flock(2)).
#pragma once
#include <filesystem>
#include <optional>
#include <utility>

namespace isorbit::experiments {

class FileLock {
 public:
  /// Opens the file for reading and writing, making it if there is none, and locks it. Nothing when another
  /// holds the lock. Throws std::system_error with the path; also where the file system has no locks.
  [[nodiscard]] static std::optional<FileLock> take(const std::filesystem::path& file);
  /// Whether somebody holds the lock; makes nothing. False where there is no such file.
  [[nodiscard]] static bool is_taken(const std::filesystem::path& file);

  ~FileLock();
  FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  /// Of the open file; it closes with the lock.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace isorbit::experiments
