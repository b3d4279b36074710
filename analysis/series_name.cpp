#include "analysis/series_name.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace isorbit::analysis {
namespace {

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> words;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    words.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  words.push_back(name);
  return words;
}

bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

SeriesName parameter_name(std::string series, std::string_view parameter) {
  SeriesName out{std::move(series), std::string(parameter), {}, {}};
  std::vector<std::string_view> words = words_of(parameter);
  const auto number = std::ranges::find_if(words, is_number);
  if (number != words.begin() && number != words.end()) {
    out.layer = *number;
    words.erase(number - 1, number + 1);  // with the block's name
  }
  if (words.size() > 1 && words.back() == "weight") words.pop_back();
  for (const std::string_view word : words) out.kind += (out.kind.empty() ? "" : ".") + std::string(word);
  return out;
}

SeriesName series_name(std::string_view path) {
  const auto begins = [&](std::string_view group) { return path.starts_with(group); };
  if (std::ranges::none_of(std::array{"measure/", "ratio/", "spectrum/"}, begins))
    return {std::string(path), {}, {}, {}};
  const std::size_t slash = path.rfind('/');
  return parameter_name(std::string(path.substr(0, slash)), path.substr(slash + 1));
}

}  // namespace isorbit::analysis
