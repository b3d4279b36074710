#include "experiments/sweep/text_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "core/document/printable.hpp"

namespace isorbit::experiments {
namespace {

std::size_t width_of(const std::string& text) {  // characters, not bytes
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool numeric(const std::string& text) {
  return text.empty() || text == "-" || text == "nan" ||
         text.find_first_of("0123456789") == (text.starts_with('-') || text.starts_with('+') ? 1U : 0U);
}

}  // namespace

void TextTable::add(std::vector<std::string> row) {
  for (std::string& text : row) text = core::printable(text);
  rows_.push_back(std::move(row));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  std::vector<bool> right, shown;
  for (std::size_t c = 0; c < header_.size(); ++c) {
    std::size_t width = width_of(header_[c]);
    bool numbers = true, any = false;
    for (const auto& row : rows_) {
      width = std::max(width, width_of(row[c]));
      numbers = numbers && numeric(row[c]);
      any = any || !row[c].empty();
    }
    widths.push_back(width);
    right.push_back(numbers);
    shown.push_back(any || rows_.empty());
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (!shown[c]) continue;
      const std::string pad(widths[c] - width_of(row[c]), ' ');
      text += right[c] ? pad + row[c] : row[c] + pad;
      text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(header_);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string scaled(double amount, const char* unit) {
  static constexpr const char* prefixes[] = {"", "k", "M", "G", "T", "P"};
  std::size_t power = 0;
  while (amount >= 999.5 && power + 1 < std::size(prefixes)) amount /= 1000, ++power;
  char text[48];
  std::snprintf(text, sizeof text, power == 0 ? "%.0f" : "%.3g", amount);
  const std::string tail = std::string(prefixes[power]) + unit;
  return tail.empty() ? std::string(text) : text + (" " + tail);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  const auto whole = static_cast<long long>(std::llround(std::min(seconds, 1e12)));
  char text[64];
  if (whole < 60)
    std::snprintf(text, sizeof text, "%lld s", whole);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%lld min %02lld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
  return text;
}

}  // namespace isorbit::experiments
