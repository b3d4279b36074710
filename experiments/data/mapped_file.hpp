// A file mapped read-only into memory, so that several runs of one machine share one copy of the tokens.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

#include "experiments/data/data_error.hpp"

namespace isorbit::experiments {

/// Owns one read-only mapping and the open descriptor behind it. Movable. An empty file maps to an empty
/// span.
class MappedFile {
 public:
  /// Throws DataError with the path and the reason: not there, not a regular file, not readable.
  explicit MappedFile(std::filesystem::path file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Throws DataError when the file is now shorter than its mapping: reading past its end would kill the
  /// process. Cheap (one system call); call it before each batch.
  void check() const;

 private:
  void release() noexcept;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace isorbit::experiments
