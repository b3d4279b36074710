// JSON pointers (RFC 6901) and the positions found by them.
#include "core/document/json.hpp"
#include "core/document/json_file.hpp"

namespace isorbit::core {

Position Document::position(std::string_view pointer) const {
  while (true) {
    if (const auto it = positions.find(std::string(pointer)); it != positions.end()) return it->second;
    if (pointer.empty()) return {};
    const std::size_t cut = pointer.rfind('/');
    pointer = pointer.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
}

Position Document::key_position(std::string_view pointer) const {
  const auto it = positions.find(std::string(pointer) + std::string(kKeyMark));
  return it != positions.end() ? it->second : position(pointer);
}

void pointer_append(std::string& pointer, std::string_view key) {
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

std::string pointer_join(std::string_view pointer, std::string_view key) {
  std::string joined(pointer);
  pointer_append(joined, key);
  return joined;
}

std::string pointer_join(std::string_view pointer, std::size_t index) {
  return std::string(pointer) + '/' + std::to_string(index);
}

}  // namespace isorbit::core
