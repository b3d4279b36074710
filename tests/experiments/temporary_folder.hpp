// A folder of a test's own, gone with it, and files in it.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

namespace isorbit::experiments {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "isorbit-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder: " + pattern);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes a file, making the folders above it.
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// The folder under which caches are kept while the object lives.
class CacheIn {
 public:
  explicit CacheIn(const std::filesystem::path& folder) {
    if (const char* set = std::getenv("XDG_CACHE_HOME")) before_ = set;
    ::setenv("XDG_CACHE_HOME", folder.c_str(), 1);
  }
  ~CacheIn() {
    if (before_.empty())
      ::unsetenv("XDG_CACHE_HOME");
    else
      ::setenv("XDG_CACHE_HOME", before_.c_str(), 1);
  }
  CacheIn(const CacheIn&) = delete;
  CacheIn& operator=(const CacheIn&) = delete;

 private:
  std::string before_;
};

/// Paths in a folder and in those within it, sorted, a line each.
inline std::string listing(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    names.insert(entry.path().lexically_relative(folder).string());
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

inline std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The text of the `Error` that `call` throws; a failure and "" when it throws none.
template <class Error, class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

#define EXPECT_HOLDS(text, part) EXPECT_PRED2(::isorbit::experiments::holds, (text), (part))
inline bool holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

/// Prose-like text: sentences of words drawn by a fixed rule, some with capitals, double spaces and blank
/// lines.
inline std::string made_text(std::size_t bytes, std::uint32_t state = 1) {
  static constexpr std::string_view words[] = {"the",     "weight", "orbit",  "turns", "slowly",
                                               "and",     "Anne",   "saw",    "a",     "loss",
                                               "falling", "again",  "though", "nobody"};
  std::string text;
  while (text.size() < bytes) {
    state = state * 1664525U + 1013904223U;
    text += words[(state >> 20) % std::size(words)];
    const std::uint32_t end = (state >> 12) % 64;
    text += end == 0 ? ".\n\n" : end == 1 ? ",  " : end < 8 ? "\n" : " ";
  }
  return text;
}

}  // namespace isorbit::experiments
