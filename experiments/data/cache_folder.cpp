#include "experiments/data/cache_folder.hpp"

#include <cstdlib>

#include "experiments/data/fingerprint.hpp"

namespace isorbit::experiments {

std::filesystem::path cache_folder() {
  if (const char* set = std::getenv("XDG_CACHE_HOME"); set != nullptr && *set == '/')
    return std::filesystem::path(set) / "isorbit";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".cache" / "isorbit";
  return {};
}

bool keep_in_cache(const std::filesystem::path& name, std::span<const std::byte> bytes) {
  if (cache_folder().empty()) return false;
  const std::filesystem::path file = cache_folder() / name;
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  try {
    write_and_rename(file, bytes);
  } catch (const DataError&) {
    return false;
  }
  return true;
}

}  // namespace isorbit::experiments
