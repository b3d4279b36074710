#include "core/record/run_file.hpp"

#include <algorithm>
#include <stdexcept>

namespace isorbit::core {
namespace {

template <typename T>
const T& held(const Column& column, const char* expected) {
  if (const T* values = std::get_if<T>(&column.values)) return *values;
  constexpr const char* kinds[] = {"numbers", "integers", "text"};
  throw std::runtime_error("column \"" + column.name + "\": found " + kinds[column.values.index()] +
                           "; expected " + expected);
}

// "a, b and c" for errors.
template <typename Items, typename Name>
std::string listed(const Items& items, Name name) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + name(item);
  return text.empty() ? "none" : text;
}

}  // namespace

std::size_t Column::size() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

std::vector<double> Column::doubles() const {
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&values))
    return {whole->begin(), whole->end()};
  return held<std::vector<double>>(*this, "numbers");
}

const std::vector<std::int64_t>& Column::integers() const {
  return held<std::vector<std::int64_t>>(*this, "integers");
}

const std::vector<std::string>& Column::texts() const {
  return held<std::vector<std::string>>(*this, "text");
}

const Column* Series::find(std::string_view name) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

const Column& Series::at(std::string_view name) const {
  if (const Column* found = find(name)) return *found;
  throw std::runtime_error("series " + path + ": found no column \"" + std::string(name) +
                           "\"; there are: " + listed(columns, [](const Column& c) { return c.name; }));
}

const Series* RunRecord::find(std::string_view path) const {
  const auto found =
      std::find_if(series.begin(), series.end(), [&](const Series& s) { return s.path == path; });
  return found == series.end() ? nullptr : &*found;
}

const Series& RunRecord::at(std::string_view path) const {
  if (const Series* found = find(path)) return *found;
  throw std::runtime_error("the record has no series \"" + std::string(path) +
                           "\"; there are: " + listed(series, [](const Series& s) { return s.path; }));
}

Series& RunRecord::series_at(std::string_view path) {
  const auto found =
      std::find_if(series.begin(), series.end(), [&](const Series& s) { return s.path == path; });
  return found == series.end() ? series.emplace_back(Series{std::string(path), {}}) : *found;
}

}  // namespace isorbit::core
