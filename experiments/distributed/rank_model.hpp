// Ranks in documents, and the model that one of them computes: the document's, with its part of the batch.
#pragma once
#include <cstdint>
#include <optional>

#include "core/passes/read_model.hpp"

namespace isorbit::experiments {

/// What keeps `ranks` from sharing batches of `batch` rows; the problem stands at `pointer` of `document`.
[[nodiscard]] std::optional<core::Problem> misfit_of_ranks(const core::Document& document,
                                                           const std::string& pointer, std::int64_t batch,
                                                           std::int64_t ranks);

/// Reads a model whose inputs have `batch` rows so that they have batch / ranks. Throws DocumentError where
/// they do not follow a constant "batch".
[[nodiscard]] core::Model read_rank_model(const core::Document& document, const core::OpSet& ops,
                                          const std::string& size, core::Json constants, std::int64_t batch,
                                          std::int64_t ranks);

/// The model of a cell's resolved document as each of its ranks computes it. Throws DocumentError likewise.
[[nodiscard]] core::Model read_rank_model(const core::Json& cell, const core::OpSet& ops);

/// How many there are, by a cell's resolved document.
[[nodiscard]] std::int64_t ranks_of(const core::Json& cell);

}  // namespace isorbit::experiments
