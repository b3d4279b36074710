// A library to be loaded before the program (LD_PRELOAD): lets system calls on files under a folder fail.
//
//   FAULTS_FOLDER   absolute; calls on other files are left alone
//   FAULTS_LOG      a line a call, "<call> <file name>", with numbers in names as "#"; "!" before what failed
//   FAULTS_AT       "<call> <file name> <n>": the n-th such call fails, from 1; with n = 0 all of them. "*"
//   stands
//                   for any name
//   FAULTS_ERRNO    what it fails with
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Plan {
  std::string folder = setting("FAULTS_FOLDER"), call, name;
  long wanted = -1, seen = 0;
  int code = std::atoi(setting("FAULTS_ERRNO").c_str());
  int log = -1;
  std::mutex mutex;

  Plan() {
    const std::string at = setting("FAULTS_AT"), file = setting("FAULTS_LOG");
    const std::size_t first = at.find(' '), last = at.rfind(' ');
    if (first != std::string::npos && last > first) {
      call = at.substr(0, first);
      name = at.substr(first + 1, last - first - 1);
      wanted = std::atol(at.c_str() + last + 1);
    }
    if (!file.empty())
      log = static_cast<int>(
          ::syscall(SYS_openat, AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  }
};

Plan& plan() {
  static Plan* made = new Plan;  // used until the process ends
  return *made;
}

/// The last part of a path, with every run of digits as "#".
std::string name_of(const std::string& path) {
  std::string name;
  for (const char c : path.substr(path.find_last_of('/') + 1)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) name += c;
    if (digit && (name.empty() || name.back() != '#')) name += '#';
  }
  return name;
}

std::string path_of(int descriptor) {
  char path[PATH_MAX] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const long length = ::syscall(SYS_readlink, link.c_str(), path, sizeof path - 1);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

std::string absolute(const char* path) {
  if (path == nullptr || path[0] == '/') return path == nullptr ? "" : path;
  char here[PATH_MAX] = {};
  return ::syscall(SYS_getcwd, here, sizeof here) > 0 ? std::string(here) + "/" + path : std::string(path);
}

std::string absolute(int folder, const char* path) {
  return folder == AT_FDCWD || path[0] == '/' ? absolute(path) : path_of(folder) + "/" + path;
}

/// Whether this call is to fail; errno is then set.
bool fails(const char* call, const std::string& path) {
  Plan& p = plan();
  if (p.folder.empty() || !path.starts_with(p.folder)) return false;
  const std::string name = name_of(path);
  const std::scoped_lock lock(p.mutex);
  const bool is_meant = p.wanted >= 0 && p.call == call && (p.name == "*" || p.name == name);
  const bool failed = is_meant && (p.wanted == 0 || ++p.seen == p.wanted);
  if (p.log >= 0) {
    const std::string line = std::string(failed ? "!" : "") + call + " " + name + "\n";
    (void)::syscall(SYS_write, p.log, line.data(), line.size());
  }
  if (failed) errno = p.code;
  return failed;
}

template <class Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

template <class Call, class... Arguments>
auto go_on(const char* name, Arguments... arguments) {
  return real<Call>(name)(arguments...);
}

mode_t mode_in(int flags, va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(rest, int)) : 0;
}

}  // namespace

extern "C" {

#define FAULTY_OPEN(symbol)                                                           \
  int symbol(const char* path, int flags, ...) {                                      \
    va_list rest;                                                                     \
    va_start(rest, flags);                                                            \
    const mode_t mode = mode_in(flags, rest);                                         \
    va_end(rest);                                                                     \
    if (fails((flags & O_CREAT) != 0 ? "create" : "open", absolute(path))) return -1; \
    return go_on<int(const char*, int, mode_t)>(#symbol, path, flags, mode);          \
  }
FAULTY_OPEN(open)
FAULTY_OPEN(open64)

// Of an open file: result type, symbol, name of the call, parameters, arguments.
#define FAULTY_ON_FILE(type, symbol, call, parameters, ...) \
  type symbol parameters {                                  \
    if (fails(call, path_of(descriptor))) return -1;        \
    return go_on<type parameters>(#symbol, __VA_ARGS__);    \
  }
FAULTY_ON_FILE(ssize_t, read, "read", (int descriptor, void* to, size_t size), descriptor, to, size)
FAULTY_ON_FILE(ssize_t, write, "write", (int descriptor, const void* from, size_t size), descriptor, from,
               size)
FAULTY_ON_FILE(ssize_t, pread, "read", (int descriptor, void* to, size_t size, off_t at), descriptor, to,
               size, at)
FAULTY_ON_FILE(ssize_t, pread64, "read", (int descriptor, void* to, size_t size, off64_t at), descriptor, to,
               size, at)
FAULTY_ON_FILE(ssize_t, pwrite, "write", (int descriptor, const void* from, size_t size, off_t at),
               descriptor, from, size, at)
FAULTY_ON_FILE(ssize_t, pwrite64, "write", (int descriptor, const void* from, size_t size, off64_t at),
               descriptor, from, size, at)
FAULTY_ON_FILE(int, fsync, "sync", (int descriptor), descriptor)
FAULTY_ON_FILE(int, fdatasync, "sync", (int descriptor), descriptor)
FAULTY_ON_FILE(int, ftruncate, "truncate", (int descriptor, off_t size), descriptor, size)
FAULTY_ON_FILE(int, ftruncate64, "truncate", (int descriptor, off64_t size), descriptor, size)
FAULTY_ON_FILE(int, flock, "lock", (int descriptor, int how), descriptor, how)

// Of names: the last one is what the call is about.
#define FAULTY_ON_NAME(type, failed, symbol, call, about, parameters, ...) \
  type symbol parameters {                                                 \
    if (fails(call, about)) return failed;                                 \
    return go_on<type parameters>(#symbol, __VA_ARGS__);                   \
  }
FAULTY_ON_NAME(int, -1, link, "link", absolute(to), (const char* from, const char* to) noexcept, from, to)
FAULTY_ON_NAME(int, -1, rename, "rename", absolute(to), (const char* from, const char* to) noexcept, from, to)
FAULTY_ON_NAME(int, -1, renameat2, "rename", absolute(into, to),
               (int at, const char* from, int into, const char* to, unsigned flags) noexcept, at, from, into,
               to, flags)
FAULTY_ON_NAME(int, -1, mkdir, "mkdir", absolute(path), (const char* path, mode_t mode) noexcept, path, mode)
FAULTY_ON_NAME(int, -1, unlink, "unlink", absolute(path), (const char* path) noexcept, path)
FAULTY_ON_NAME(int, -1, rmdir, "unlink", absolute(path), (const char* path) noexcept, path)
FAULTY_ON_NAME(int, -1, unlinkat, "unlink", absolute(at, path),
               (int at, const char* path, int flags) noexcept, at, path, flags)
FAULTY_ON_NAME(int, -1, stat, "look", absolute(path), (const char* path, struct stat* out) noexcept, path,
               out)
FAULTY_ON_NAME(int, -1, lstat, "look", absolute(path), (const char* path, struct stat* out) noexcept, path,
               out)
FAULTY_ON_NAME(int, -1, stat64, "look", absolute(path), (const char* path, struct stat64* out) noexcept, path,
               out)
FAULTY_ON_NAME(int, -1, lstat64, "look", absolute(path), (const char* path, struct stat64* out) noexcept,
               path, out)
FAULTY_ON_NAME(DIR*, nullptr, opendir, "list", absolute(path), (const char* path), path)

}  // extern "C"
