// The model that one rank of several computes: the document's, with its part of the batch.
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

}  // namespace isorbit::experiments
