// Patterns over names of nodes and parameters.
#pragma once
#include <string_view>

namespace isorbit::core {

/// Whether the whole of `name` fits `glob`: `*` is any run of characters (dots too), `?` one character and
/// `{a,b}` either of its parts, which are globs themselves: "layers.*.{attn,mlp}.*.weight".
[[nodiscard]] bool matches(std::string_view glob, std::string_view name);

}  // namespace isorbit::core
