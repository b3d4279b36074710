// Files damaged, or made unreadable for a while, as disks, people and other programs do.
#pragma once
#include <filesystem>
#include <fstream>
#include <optional>

namespace isorbit::experiments {

/// Changes one bit of the byte in the middle, or at `at`.
inline void flip(const std::filesystem::path& file, std::optional<std::uintmax_t> at = {}) {
  const auto where = static_cast<std::streamoff>(at.value_or(std::filesystem::file_size(file) / 2));
  std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
  bytes.seekg(where);
  const char byte = static_cast<char>(bytes.get() ^ 0x40);
  bytes.seekp(where);
  bytes.put(byte);
}

/// Makes a file one of its own, of the same bytes, where it has other names.
inline void copy_in_place(const std::filesystem::path& file) {
  std::filesystem::path copy = file;
  std::filesystem::copy_file(file, copy += ".copy");
  std::filesystem::rename(copy, file);
}

/// In place of a file a link that leads to itself, which nobody can open (ELOOP), root neither; until it is
/// destroyed.
class Hidden {
 public:
  explicit Hidden(std::filesystem::path file) : file_(std::move(file)), kept_(file_) {
    kept_ += ".hidden";
    std::filesystem::rename(file_, kept_);
    std::filesystem::create_symlink(file_.filename(), file_);
  }
  ~Hidden() {
    std::error_code ignored;
    std::filesystem::rename(kept_, file_, ignored);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  std::filesystem::path file_, kept_;
};

}  // namespace isorbit::experiments
