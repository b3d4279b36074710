#include "experiments/sweep/labels.hpp"

#include <algorithm>
#include <cctype>

#include "core/document/printable.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::size_t kLongestLabel = 120;

bool plain(char c) {
  return (std::isalnum(static_cast<unsigned char>(c)) != 0 && static_cast<unsigned char>(c) < 0x80) ||
         c == '.' || c == '_' || c == '-' || c == '+';
}

std::string short_name(const std::string& name) {
  const std::size_t dot = name.find('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

}  // namespace

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

std::string value_text(const core::Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, core::Json::error_handler_t::replace);
}

std::string constants_text(const char* group, const core::Json& constants) {
  std::string text;
  for (const auto& [name, value] : constants.items())
    text += (text.empty() ? "" : ", ") + std::string(group) + "." + name + "=" + value_text(value);
  return text;
}

namespace {

std::string plain_label(const std::vector<Assignment>& changed) {
  std::string label;
  for (const Assignment& a : changed) {
    const std::string name = short_name(a.name);
    const bool shared = std::count_if(changed.begin(), changed.end(), [&](const Assignment& other) {
                          return short_name(other.name) == name;
                        }) > 1;
    label += (label.empty() ? "" : ",") + (shared ? a.name : name) + "=" + value_text(a.value);
  }
  return label;
}

}  // namespace

std::string label_of(const std::vector<Assignment>& changed) { return core::printable(plain_label(changed)); }

std::filesystem::path folder_of(const Cell& cell) {
  std::string label = plain_label(cell.changed).substr(0, kLongestLabel);
  for (char& c : label)
    if (!plain(c) && c != '=' && c != ',') c = '_';
  if (!label.empty()) label += '-';
  if (label.starts_with('.')) label.front() = '_';
  return std::filesystem::path(cell.arm) /
         (label + "s" + std::to_string(cell.seed) + "-" + short_id(cell.id));
}

std::string CellStart::text() const {
  return id.empty() ? file.filename().string() + " " + short_id(sha256) : arm + " " + short_id(id);
}

}  // namespace isorbit::experiments
