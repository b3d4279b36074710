#include "core/document/json_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "core/document/problem.hpp"
#include "core/record/descriptor.hpp"

namespace isorbit::core {
namespace {

/// The file beside `file` whose name is nearest, in quotes; empty when there is none.
std::string nearest_sibling(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(folder, ignored), end;
       !ignored && it != end && names.size() < 1000; it.increment(ignored)) {
    names.push_back(it->path().filename().string());
  }
  const std::string own = file.filename().string();
  const bool bare = std::find(names.begin(), names.end(), own + ".json") != names.end();
  const auto name = bare ? std::optional(own + ".json") : nearest(own, names);
  return name ? '"' + (file.parent_path() / *name).string() + '"' : "";
}

/// A pipe too. No more than a document may have, and the little that shows that it is longer.
std::string text_of(const std::filesystem::path& file, std::size_t longest) {
  try {
    const Descriptor stream(file, O_RDONLY, "open");
    std::string text;
    std::vector<char> block(std::size_t{1} << 16);
    while (text.size() <= longest) {
      const ssize_t got = ::read(stream.get(), block.data(), block.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw std::system_error(errno, std::generic_category());
      if (got == 0) break;
      text.append(block.data(), static_cast<std::size_t>(got));
    }
    return text;
  } catch (const std::system_error& error) {
    refuse_document(file.string(), {}, "an unreadable file", "a JSON document", error.code().message());
  }
}

}  // namespace

void refuse_document(const std::string& file, Position position, std::string found, std::string expected,
                     std::string because, std::string suggestion) {
  throw DocumentError({{file,
                        position,
                        {},
                        std::move(found),
                        std::move(expected),
                        std::move(because),
                        std::move(suggestion)}});
}

Document read_document(const std::filesystem::path& file) {
  return read_long_document(file, kLongestDocument);
}

Document read_long_document(const std::filesystem::path& file, std::size_t longest) {
  const std::string name = file.string();
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    refuse_document(name, {}, "no such file", "a JSON document", {}, nearest_sibling(file));
  }
  if (std::filesystem::is_directory(status)) refuse_document(name, {}, "a directory", "a JSON document");
  return parse_long_document(text_of(file, longest), name, longest);
}

}  // namespace isorbit::core
