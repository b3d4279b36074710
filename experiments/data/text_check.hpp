// Whether a file is the text it should be: not packed, not UTF-16, not binary. The tokenizer "bytes" takes
// text of any encoding without a byte 0; byte pairs need UTF-8.
#pragma once
#include <string>
#include <string_view>

#include "experiments/data/data_file.hpp"

namespace isorbit::experiments {

/// Throws DataError where the file begins as packed data or UTF-16 do, or has a byte 0: which, in which line,
/// and how to mend it.
void check_text(const DataFile& file);

/// Throws DataError at the first byte of `text` that is not UTF-8; `where` names the text.
void check_utf8(std::string_view text, const std::string& where);

}  // namespace isorbit::experiments
