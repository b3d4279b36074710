// A regular file, read from its start in blocks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "core/record/descriptor.hpp"

namespace isorbit::core {

class PlainFile {
 public:
  /// Throws std::system_error where it cannot be opened, and std::runtime_error where it is a folder, a pipe
  /// or a device: on those a reader might wait for ever.
  explicit PlainFile(const std::filesystem::path& path);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The next bytes; fewer than asked for only at the end. Throws std::system_error.
  [[nodiscard]] std::size_t read(std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace isorbit::core
