#include "experiments/timing/scratch_folder.hpp"

#include <stdlib.h>

#include <cerrno>
#include <system_error>

namespace isorbit::experiments {

ScratchFolder::ScratchFolder(const std::filesystem::path& parent) {
  std::filesystem::create_directories(parent);
  std::string pattern = (parent / "isorbit-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), pattern + ": cannot make a folder");
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace isorbit::experiments
