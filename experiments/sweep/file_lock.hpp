// A lock on a file that dies with its process, whatever kills it (flock(2)).
#pragma once
#include <filesystem>
#include <optional>
#include <utility>

#include "core/record/descriptor.hpp"

namespace isorbit::experiments {

class FileLock {
 public:
  /// Opens the file for reading and writing, making it if there is none, and locks it. Nothing when another
  /// holds the lock. Throws std::system_error with the path; also where the file system has no locks.
  [[nodiscard]] static std::optional<FileLock> take(const std::filesystem::path& file);
  /// Whether somebody holds the lock; makes nothing. False where there is no such file. Throws
  /// std::system_error where it cannot be told.
  [[nodiscard]] static bool is_taken(const std::filesystem::path& file);
  /// Whether an error of the system says that there are no locks here; file systems say so in many ways.
  [[nodiscard]] static bool means_none(int code);

  /// Of the open file; it closes with the lock.
  [[nodiscard]] int descriptor() const { return file_.get(); }

 private:
  explicit FileLock(core::Descriptor file) : file_(std::move(file)) {}
  core::Descriptor file_;
};

}  // namespace isorbit::experiments
