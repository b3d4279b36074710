// Checkpoints as Hugging Face's transformers write and read them: model.safetensors with their names, and
// config.json beside it, by the model's table "exports": {"hugging_face": ...}. Weights are the realized
// ones, so that the result of any method is an ordinary model. Their rows of q and k are in the half-split
// layout of rotary positions, as those of our op `rope` are: nothing is permuted.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "core/record/tensor_file.hpp"
#include "experiments/training/foreign_table.hpp"

namespace isorbit::experiments {

/// What the user should know, a sentence.
using Note = std::function<void(const std::string&)>;

/// Writes <folder>/model.safetensors and config.json, making the folder. `weights`: every weight by its name
/// in the model, f32. Throws std::runtime_error naming tensor or path.
void write_hugging_face(const std::filesystem::path& folder, const ForeignTable& table,
                        const core::TensorFile& weights);

/// Reads a folder that holds model.safetensors, or such a file itself, into the model's names: f32, bit for
/// bit what was written; F16 and BF16 are widened, with a note. A config.json beside it must describe the
/// model (foreign_config.hpp); that there is none is a note. Throws std::runtime_error with everything that
/// is wrong, a line each: path, tensor, found, expected.
[[nodiscard]] core::TensorFile read_hugging_face(const std::filesystem::path& path, const ForeignTable& table,
                                                 const Note& note = {});

/// True where a file of tensors, or a folder with one, has their names rather than the model's.
[[nodiscard]] bool is_foreign(const core::TensorFile& file, const ForeignTable& table);

}  // namespace isorbit::experiments
