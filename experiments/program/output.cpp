#include "experiments/program/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <streambuf>
#include <system_error>

#include "core/record/durable_file.hpp"

namespace isorbit::experiments {
namespace {

/// Of the file itself, at the end of links; nothing where there is none.
std::optional<struct stat> found_at(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) return found;
  if (errno == ENOENT) return {};
  throw std::system_error(errno, std::generic_category(), path.string() + ": cannot look at it");
}

bool is_standard_output(const struct stat& file) {
  struct stat out {};
  return ::fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == file.st_dev && out.st_ino == file.st_ino;
}

}  // namespace

/// Gathers what is written, in blocks, for a durable file or a descriptor.
class Output::Buffer : public std::streambuf {
 public:
  Buffer(std::filesystem::path path, const std::optional<struct stat>& there) : path_(std::move(path)) {
    setp(block_.data(), block_.data() + block_.size());
    if (!there || S_ISREG(there->st_mode)) {
      file_.emplace(path_);
      if (there) file_->permit(there->st_mode & 07777U);
      return;
    }
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor_ < 0)
      throw std::system_error(errno, std::generic_category(), path_.string() + ": cannot open to write");
  }
  ~Buffer() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void commit() {
    drain();
    if (file_) file_->commit();
  }

 protected:
  int_type overflow(int_type byte) override {
    drain();
    if (!traits_type::eq_int_type(byte, traits_type::eof())) sputc(traits_type::to_char_type(byte));
    return traits_type::not_eof(byte);
  }

 private:
  void drain() {
    const std::string_view held(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    setp(block_.data(), block_.data() + block_.size());
    if (file_)
      file_->write(held);
    else
      core::write_fully(descriptor_, std::as_bytes(std::span(held)), path_);
  }

  std::filesystem::path path_;
  std::optional<core::DurableFile> file_;
  int descriptor_ = -1;
  std::array<char, std::size_t{1} << 16> block_;
};

Output::Output(Console& console, const std::string& name) : standard_(console.data) {
  if (name == "-") return;
  const std::optional<struct stat> there = found_at(name);
  if (there && is_standard_output(*there)) return;
  const std::string found = "found \"" + name + "\" to write to; ";
  if (there && S_ISDIR(there->st_mode)) throw UsageError(found + "expected a file; because it is a folder");
  const bool is_file = !there || S_ISREG(there->st_mode);
  const std::filesystem::path path = is_file ? core::file_to_replace(name) : std::filesystem::path(name);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::error_code error; !std::filesystem::is_directory(folder, error))
    throw UsageError(found + "expected a file in a folder that is there; because there is no folder \"" +
                     folder.string() + "\"");
  buffer_ = std::make_unique<Buffer>(path, there);
  stream_ = std::make_unique<std::ostream>(buffer_.get());
  stream_->exceptions(std::ios::badbit | std::ios::failbit);
}

Output::~Output() = default;

std::ostream& Output::stream() { return stream_ ? *stream_ : standard_; }

void Output::commit() {
  if (buffer_)
    buffer_->commit();
  else
    standard_.flush();
}

}  // namespace isorbit::experiments
