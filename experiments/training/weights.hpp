// Weights that a run leaves and that another may start from: every parameter of the model by its name, f32,
// as the model computes with it, whatever it was trained in.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "core/record/tensor_file.hpp"
#include "experiments/training/hugging_face.hpp"
#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

/// <folder>/weights.safetensors.
[[nodiscard]] std::filesystem::path weights_path(const std::filesystem::path& cell_folder);

/// Writes the realized weights of a learner beside and renames.
void write_weights(const std::filesystem::path& file, Learner& learner, const std::string& cell_id,
                   std::int64_t step);

/// The file that `path` means: itself, or of a folder weights.safetensors, model.safetensors or
/// checkpoint.safetensors, the first there is, or the checkpoint of the newest attempt at a cell. Throws
/// std::runtime_error where there is none, std::system_error where that cannot be told.
[[nodiscard]] std::filesystem::path weights_file(const std::filesystem::path& path);

/// Reads weights under the names of the model: a file of ours, the checkpoint of a cell (realized), or a file
/// with the names of another program that the model document has a table for, of which F16 and BF16 are
/// widened, with a note. Throws std::runtime_error naming the file and every tensor that is missing, of
/// another shape, or none of the model's.
[[nodiscard]] core::TensorFile load_weights(const std::filesystem::path& path,
                                            const core::Document& model_document, const core::Model& model,
                                            const Note& note = {});

/// Shapes of weights by name.
using WeightShapes = std::map<std::string, core::Shape>;
[[nodiscard]] WeightShapes shapes_of(const core::Model& model);
/// What keeps weights of these names and shapes from being a model's, a sentence; empty: nothing.
[[nodiscard]] std::string misfit_of(const WeightShapes& model, const WeightShapes& weights);

/// Adds a problem for every parametrization that would draw its weights and discard those that are given.
void check_given_weights(const Method& method, const core::Model& model, const core::Document& document,
                         core::Problems& problems);

/// Sets the weights of a learner that has not begun; moments stay zero.
void start_from(Learner& learner, const core::TensorFile& weights);

}  // namespace isorbit::experiments
