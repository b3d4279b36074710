#include "experiments/data/fingerprint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "core/document/digest.hpp"
#include "experiments/data/cache_folder.hpp"
#include "experiments/data/data_file.hpp"

namespace isorbit::experiments {
namespace {

// What a remembered hash is valid for: size in bytes, modification time in ns.
std::string stamp(const struct stat& status) {
  std::ostringstream text;
  text << status.st_size << ' ' << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec;
  return text.str();
}

std::string name_of(const struct stat& status) {
  return std::to_string(status.st_dev) + "-" + std::to_string(status.st_ino);
}

// A file changed within the last two seconds may change again without its time showing it.
bool settled(const struct stat& status) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return now - status.st_mtim.tv_sec > 2;
}

std::string hash_of(const DataFile& file) {
  try {
    std::string hash = core::sha256_file(file.path());
    file.check();
    return hash;
  } catch (const std::system_error& error) {
    throw DataError(file.path().string() + ": cannot be read: " + error.code().message());
  }
}

std::filesystem::path name_of_our_own(const std::filesystem::path& file) {
  static std::atomic<unsigned> counter{0};
  return file.string() + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".part";
}

}  // namespace

std::string file_sha256(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0)
    throw DataError(file.string() + ": cannot be read: " + std::strerror(errno));
  const std::filesystem::path kept = std::filesystem::path("sha256") / name_of(status);
  if (std::ifstream in(cache_folder() / kept); in) {
    std::string hash, rest;
    in >> hash >> std::ws;
    std::getline(in, rest);
    if (hash.size() == 64 && rest == stamp(status)) return hash;
  }
  const std::string hash = hash_of(DataFile(file));
  if (settled(status)) {
    const std::string line = hash + "\n" + stamp(status) + "\n";
    keep_in_cache(kept, std::as_bytes(std::span(line)));
  }
  return hash;
}

void write_and_rename(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  const std::filesystem::path part = name_of_our_own(file);
  const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) throw DataError(file.string() + ": cannot be written: " + std::strerror(errno));
  int reason = 0;
  while (!bytes.empty() && reason == 0) {
    const ::ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      reason = errno;
  }
  if (::close(descriptor) != 0 && reason == 0) reason = errno;
  if (reason == 0 && ::rename(part.c_str(), file.c_str()) != 0) reason = errno;
  if (reason != 0) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw DataError(file.string() + ": cannot be written: " + std::strerror(reason));
  }
}

}  // namespace isorbit::experiments
