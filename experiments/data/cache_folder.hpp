// What can be made again and is kept so that it need not be: costs, digests and tokens of data, items of
// tasks. It lies where users expect caches, and never beside data. A cache is never an error: what cannot be
// kept is made again.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace isorbit::experiments {

/// $XDG_CACHE_HOME/isorbit, else $HOME/.cache/isorbit; empty where neither is set.
[[nodiscard]] std::filesystem::path cache_folder();

/// Writes <cache folder>/<name>, whole or not at all, making folders. False where that is not possible.
bool keep_in_cache(const std::filesystem::path& name, std::span<const std::byte> bytes);

}  // namespace isorbit::experiments
