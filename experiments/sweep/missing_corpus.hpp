// Whether the corpus that a sweep names is there.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/document/problem.hpp"

namespace isorbit::experiments {

/// The problem of a sweep document whose corpus, named at `pointer`, is not in the data directory; nothing
/// when it is.
[[nodiscard]] std::optional<core::Problem> missing_corpus(const core::Document& document,
                                                          const std::string& corpus,
                                                          const std::filesystem::path& data_dir,
                                                          const std::string& pointer = "/data/corpus");

}  // namespace isorbit::experiments
