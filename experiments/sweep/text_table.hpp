// Aligned columns for people.
#pragma once
#include <string>
#include <vector>

namespace isorbit::experiments {

/// Columns whose cells all read as numbers stand right, others left; columns that are empty throughout are
/// left out.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : header_(std::move(header)) {}
  /// Texts may come from documents and files: they are made printable.
  void add(std::vector<std::string> row);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// A number with so many decimals; "nan" for what is none.
[[nodiscard]] std::string fixed(double value, int decimals);
/// 1234567 as "1.23 M"; `unit` follows the prefix.
[[nodiscard]] std::string scaled(double amount, const char* unit = "");
/// Seconds as "42 s", "3 min 20 s", "2 h 05 min".
[[nodiscard]] std::string duration(double seconds);

}  // namespace isorbit::experiments
