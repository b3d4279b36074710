#include "analysis/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace isorbit::analysis {

using core::Json;

std::string fixed(double value, const char* format) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string p_text(double p) {
  if (std::isnan(p)) return "-";
  return p < 0.0001 ? "<0.0001" : fixed(p);
}

std::string changed_text(const std::vector<std::pair<std::string, std::string>>& changed) {
  std::string text;
  for (const auto& [name, value] : changed)
    text += (text.empty() ? "" : ",") + name.substr(name.find('.') + 1) + "=" + value;
  return text;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t text_columns,
                    std::size_t notes) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (widths[c] == 0) continue;
      const std::string pad(widths[c] - row[c].size(), ' ');
      const bool left = c < text_columns || c + notes >= row.size();
      line += (left ? row[c] + pad : pad + row[c]) + "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string counts_text(const std::vector<std::pair<std::string, std::string>>& happened) {
  std::vector<std::string> names;
  std::map<std::string, std::map<std::string, std::size_t>> counts;
  for (const auto& [name, what] : happened) {
    if (!counts.contains(name)) names.push_back(name);
    ++counts[name][what.substr(0, what.find(" at "))];
  }
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : "; ") + name;
    const char* before = " ";
    for (const auto& [what, count] : counts[name]) {
      text += before + std::to_string(count) + " " + what;
      before = ", ";
    }
  }
  return text;
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json label_json(const std::string& arm, const std::vector<std::pair<std::string, std::string>>& changed) {
  Json out = {{"arm", arm}, {"changed", Json::object()}};
  for (const auto& [name, value] : changed) out["changed"][name] = value;
  return out;
}

}  // namespace isorbit::analysis
