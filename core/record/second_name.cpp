#include "core/record/second_name.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/record/durable_file.hpp"

namespace isorbit::core {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int code) {
  throw std::system_error(code, std::generic_category(), path.string() + ": cannot be given this name");
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat one {};
  struct stat two {};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &two) == 0 && one.st_dev == two.st_dev &&
         one.st_ino == two.st_ino;
}

bool has_no_links(int code) {
  return code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EMLINK || code == EXDEV;
}

bool copy_exclusively(const std::filesystem::path& file, const std::filesystem::path& name) {
  std::filesystem::path part = name;
  part += "." + std::to_string(::getpid());
  DurableFile copy(part);
  copy.write(read_bytes(file));
  copy.commit();
  const bool named = ::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0;
  const int code = errno;
  if (!named) ::unlink(part.c_str());
  if (!named && code != EEXIST) fail(name, code);
  return named;
}

}  // namespace

bool name_again(const std::filesystem::path& file, const std::filesystem::path& name) {
  bool named = ::link(file.c_str(), name.c_str()) == 0;
  if (!named && errno == EEXIST) return same_file(file, name);  // a network may repeat what it has done
  if (!named) {
    if (!has_no_links(errno)) fail(name, errno);
    named = copy_exclusively(file, name);
  }
  if (named) sync_folder(name.parent_path());
  return named;
}

}  // namespace isorbit::core
