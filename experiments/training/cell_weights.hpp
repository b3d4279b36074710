// The weights of a cell from its folder, as the model computes with them: parametrized ones realized.
#pragma once
#include <filesystem>

#include "core/document/json.hpp"
#include "core/record/run_file.hpp"
#include "core/record/tensor_file.hpp"
#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

struct CellWeights {
  core::Json document;  // the cell's, resolved
  std::string cell_id;
  std::int64_t step = 0;     // finished updates
  core::TensorFile weights;  // every weight by its name in the model, f32
};

/// Every weight of a learner as its model computes with it now, f32.
[[nodiscard]] core::TensorFile realized_weights(Learner& learner);

/// The folder of a cell, given by itself or by a file in it. Throws std::runtime_error naming the folder and
/// what it is instead.
[[nodiscard]] std::filesystem::path cell_folder(const std::filesystem::path& path);

/// Of a finished cell the last weights, of one that stopped those of its checkpoint, all of the cell of that
/// id; without one, of the cell whose folder it is. Throws std::runtime_error naming the file and what is
/// missing, damaged, or another cell's; core::NoSeal.
[[nodiscard]] CellWeights read_cell_weights(const std::filesystem::path& cell,
                                            const std::string& cell_id = {},
                                            core::Seal seal = core::Seal::required);

/// Those of a checkpoint, wherever it is. Throws std::runtime_error naming it and what is missing or damaged.
[[nodiscard]] CellWeights read_checkpoint_weights(const std::filesystem::path& checkpoint,
                                                  const std::string& cell_id = {});

}  // namespace isorbit::experiments
