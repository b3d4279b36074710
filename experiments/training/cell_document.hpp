// The resolved document of one cell: everything that decides its numbers, and its identity.
#pragma once
#include <memory>
#include <string>

#include "core/document/problem.hpp"
#include "core/passes/passes.hpp"
#include "core/record/run_file.hpp"
#include "experiments/data/batch_source.hpp"
#include "experiments/method.hpp"

namespace isorbit::experiments {

/// Fields of "training": steps, batch (absent: the model's), accumulate, validate_every, spectra_every,
/// checkpoint_every, threads, ranks, dtype, valid_targets.
[[nodiscard]] core::Spec training_spec();
/// Fields of "data": corpus, tokenizer.
[[nodiscard]] core::Spec data_spec();

/// {"model": <document with its constants set, sizes gone>, "method": <likewise>, "data", "training",
/// "seed"}, constants that are numbers in other words as numbers; cosmetic keys ("name", "doc" and "exports"
/// at the top of model and method, "x-..." everywhere) do not enter the id.
[[nodiscard]] core::Json cell_document(const core::Document& model, const std::string& size,
                                       const core::Json& model_constants, const core::Document& method,
                                       const core::Json& method_constants, const core::Json& data,
                                       const core::Json& training, std::int64_t seed);

/// What a model asks of its data: batch, seq and the ids it has room for, read off its inputs.
[[nodiscard]] BatchRequest batch_request(const core::Model& model, std::int64_t valid_targets);
/// True when a source has an input of that name, shape and type.
[[nodiscard]] bool gives(const BatchSource& source, const core::ModelInput& input);

/// SHA-256 (hex) of the model of a cell's document; a batch that is a field of its training is left out.
[[nodiscard]] std::string model_id(const core::Json& document);

/// SHA-256 (hex) of the canonical document, the data's fingerprint and the schema version.
[[nodiscard]] std::string cell_id(const core::Json& document, const std::string& data_sha256,
                                  std::int64_t schema_version = core::kSchemaVersion);

}  // namespace isorbit::experiments
