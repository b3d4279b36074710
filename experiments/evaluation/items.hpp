// The items of a task for a corpus, made once and kept in the cache folder by the SHA-256 of what they were
// made from.
#pragma once
#include <filesystem>
#include <vector>

#include "experiments/task.hpp"

namespace isorbit::experiments {

/// Throws DataError: no text corpus, a source that is missing (with the command that fetches it), no item.
[[nodiscard]] std::vector<Item> items_of(const Task& task, const Corpus& corpus,
                                         const std::filesystem::path& data_dir);

}  // namespace isorbit::experiments
