// An open file that closes itself.
#pragma once
#include <filesystem>
#include <utility>

namespace isorbit::core {

class Descriptor {
 public:
  /// open(2) with O_CLOEXEC, again where a signal came in between. What it makes may be read and written by
  /// whom the umask lets. Throws std::system_error, "<path>: cannot <what>".
  Descriptor(const std::filesystem::path& path, int flags, const char* what);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }

  [[nodiscard]] int get() const { return value_; }
  /// Waits until it is on the disk. Throws as the constructor does.
  void sync(const std::filesystem::path& path) const;

 private:
  int value_ = -1;
};

}  // namespace isorbit::core
