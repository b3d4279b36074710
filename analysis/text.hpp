// Numbers and tables as people read them, and as JSON.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/document/json.hpp"

namespace isorbit::analysis {

/// printf's format; "-" for what is no number.
[[nodiscard]] std::string fixed(double value, const char* format = "%.4f");
/// A p value: "<0.0001", four decimals, "-".
[[nodiscard]] std::string p_text(double p);
/// "block_size=64,kv_heads=4".
[[nodiscard]] std::string changed_text(const std::vector<std::pair<std::string, std::string>>& changed);
/// The first `text_columns` and the last `notes` columns stand left, the others right; empty columns are left
/// out.
[[nodiscard]] std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t text_columns,
                                  std::size_t notes = 0);
/// How often each name has what, in order of the names: "adamw 3 missing; poet 1 diverged, 2 missing". Of
/// what happened at a step, the step is left out.
[[nodiscard]] std::string counts_text(const std::vector<std::pair<std::string, std::string>>& happened);
/// Null for what is not finite.
[[nodiscard]] core::Json number(double value);
/// {"arm", "changed"}.
[[nodiscard]] core::Json label_json(const std::string& arm,
                                    const std::vector<std::pair<std::string, std::string>>& changed);

}  // namespace isorbit::analysis
