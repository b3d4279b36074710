#include "core/document/json_file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>
#include <vector>

#include "core/document/problem.hpp"

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
  const auto name = nearest(file.filename().string(), names);
  return name ? '"' + (file.parent_path() / *name).string() + '"' : "";
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
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  std::vector<char> block(std::size_t{1} << 16);
  errno = 0;
  while (stream && text.size() <= longest) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) {
    const int reason = errno;
    refuse_document(name, {}, "an unreadable file", "a JSON document",
                    std::generic_category().message(reason));
  }
  return parse_long_document(text, name, longest);
}

}  // namespace isorbit::core
