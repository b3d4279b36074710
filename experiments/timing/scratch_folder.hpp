// A folder that is gone with the object.
#pragma once
#include <filesystem>

namespace isorbit::experiments {

class ScratchFolder {
 public:
  /// In `parent`, which is made if missing; by default where the system keeps temporary files. Throws
  /// std::system_error naming the path.
  explicit ScratchFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace isorbit::experiments
