// Lets the temporary folders of a test program lie in memory where the machine has such a place: what writes
// thousands of small files durably would wait for the disk most of the time.
#pragma once
#include <cstdlib>
#include <filesystem>

namespace isorbit::experiments {

inline const bool kIsInMemory = [] {
  std::error_code error;
  return std::filesystem::is_directory("/dev/shm", error) && ::setenv("TMPDIR", "/dev/shm", 0) == 0;
}();

}  // namespace isorbit::experiments
