// Cells of a CSV file (RFC 4180).
#pragma once
#include <string>
#include <string_view>

namespace isorbit::analysis {

/// A text as a cell, in quotes where it holds a comma, a quote or a line's end. `spreadsheet`: what one would
/// run (it begins with =, +, -, @, a tab or a carriage return, and is no number) has an apostrophe before it,
/// which makes it a text there.
[[nodiscard]] std::string csv_cell(std::string_view text, bool spreadsheet = false);

/// The shortest decimal that reads back as the same number; nan, inf, -inf.
[[nodiscard]] std::string shortest(double value);
[[nodiscard]] std::string shortest(float value);

}  // namespace isorbit::analysis
