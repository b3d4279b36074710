#include "core/record/second_name.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "core/record/durable_file.hpp"
#include "core/record/unreadable.hpp"

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int code) {
  throw std::system_error(code, std::generic_category(), path.string() + ": cannot be given this name");
}

/// File systems without links, or with none for this file, say so in many ways.
bool has_no_links(int code) {
  return code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EINVAL || code == EMLINK ||
         code == EXDEV;
}

/// The name, for whoever is first: an empty file. False where it is taken.
bool take_name(const std::filesystem::path& name) {
  try {
    const Descriptor first(name, O_WRONLY | O_CREAT | O_EXCL, "create");
    return true;
  } catch (const std::system_error& error) {
    if (error.code().value() == EEXIST) return false;
    fail(name, error.code().value());
  }
}

/// Results are known again by their time, which a copy keeps where it can.
void keep_time(const std::filesystem::path& file, const std::filesystem::path& copy) {
  const auto status = status_of(file);
  if (!status) return;
  const std::array times = {status->st_atim, status->st_mtim};
  (void)::utimensat(AT_FDCWD, copy.c_str(), times.data(), 0);
}

bool copy_exclusively(const std::filesystem::path& file, const std::filesystem::path& name) {
  const auto bytes = read_bytes(file);
  if (!take_name(name)) return false;
  try {
    write_durably(name, bytes);
  } catch (...) {
    ::unlink(name.c_str());
    throw;
  }
  keep_time(file, name);
  return true;
}

}  // namespace

bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto one = status_of(a), two = status_of(b);
  return one && two && one->st_dev == two->st_dev && one->st_ino == two->st_ino;
}

bool name_again(const std::filesystem::path& file, const std::filesystem::path& name) {
  int code = 0;
  do code = ::link(file.c_str(), name.c_str()) == 0 ? 0 : errno;
  while (code == EINTR);
  if (code == EEXIST) return is_same_file(file, name);  // a network may repeat what it has done
  if (code != 0 && !has_no_links(code)) fail(name, code);
  if (code != 0 && !copy_exclusively(file, name)) return false;
  sync_folder(name.parent_path());
  return true;
}

}  // namespace isorbit::core
