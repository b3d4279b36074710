// A file of training data. It is read with pread(2), not mapped into memory: a mapping of a file that another
// process cuts short kills its reader (SIGBUS), a read comes back short. The system's page cache is shared by
// all runs of a machine either way.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "experiments/data/data_error.hpp"

namespace isorbit::experiments {

/// Owns one open descriptor. Movable; any number of threads may read.
class DataFile {
 public:
  /// Throws DataError with the path and the reason: not there, not a regular file, not readable.
  explicit DataFile(std::filesystem::path file);
  ~DataFile();
  DataFile(DataFile&& other) noexcept;
  DataFile& operator=(DataFile&& other) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Bytes, when it was opened.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Copies the bytes [offset, offset + out.size()). Throws DataError where the file is now shorter, or
  /// cannot be read.
  void read(std::size_t offset, std::span<std::byte> out) const;
  /// All of it.
  [[nodiscard]] std::string text() const;
  /// Throws DataError that says what changed when size or modification time are not what they were when it
  /// was opened. One system call: after the reads of a batch it vouches for them.
  void check() const;

 private:
  struct Stamp {
    long long seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  void release() noexcept;
  [[noreturn]] void fail_shrunk(std::size_t now) const;

  std::filesystem::path path_;
  std::size_t size_ = 0;
  Stamp modified_;
  int descriptor_ = -1;
};

}  // namespace isorbit::experiments
