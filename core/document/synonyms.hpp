// What other programs call the things that a document of ours may name.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace isorbit::core {

/// The candidate that means what `word` means: the same word written otherwise ("LayerNorm", "nn.Linear"), a
/// bare word for a dotted one ("width" for "model.width"), or another program's word for it ("lr"). Nothing
/// where none does. The table knows what words mean, not which of them exist: only candidates are returned.
[[nodiscard]] std::optional<std::string> same_meaning(std::string_view word,
                                                      std::span<const std::string> candidates);

}  // namespace isorbit::core
