// A folder of the process's own for readers that take files.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <system_error>

#include "core/record/seal.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {

class Scratch {
 public:
  /// The one folder of the process, gone with it.
  static const std::filesystem::path& folder() {
    static const Scratch scratch;
    return scratch.path_;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "isorbit-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder: " + pattern);
    path_ = pattern;
  }
  std::filesystem::path path_;
};

/// Writes a file of that name in the folder, in the place of what was there.
inline std::filesystem::path scratch_file(const std::string& name, std::string_view bytes) {
  const std::filesystem::path file = Scratch::folder() / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file;
}

/// The same with a seal that holds at its end.
inline std::filesystem::path sealed_file(const std::string& name, std::string_view bytes) {
  const auto plain = std::as_bytes(std::span(bytes));
  std::vector<std::byte> sealed(plain.begin(), plain.end());
  core::add_seal(sealed);
  return scratch_file(name, {reinterpret_cast<const char*>(sealed.data()), sealed.size()});
}

inline std::string contents_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace isorbit::fuzz
