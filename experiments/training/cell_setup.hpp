// Everything one cell needs, read and checked before its first step.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/passes/read_model.hpp"
#include "core/record/tensor_file.hpp"
#include "experiments/data/batch_source.hpp"
#include "experiments/method.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

struct CellSetup {
  core::OpSet ops;
  core::Model model;  // of this rank's rows
  Method method;
  std::shared_ptr<const BatchSource> source;  // this rank's rows
  std::shared_ptr<const BatchSource> probe;   // those of rank 0, the same for all
  std::int64_t targets_per_step = 0;
  std::string cell_id;

  /// Throws DocumentError for model and method, DataError where the corpus does not give the model's inputs
  /// or is another one than the cell was planned with.
  explicit CellSetup(const CellRequest& request);

  /// Reads request.from. Throws std::runtime_error where it is not what the document's "from" names, or does
  /// not fit the model.
  [[nodiscard]] core::TensorFile given_weights(const CellRequest& request) const;
};

}  // namespace isorbit::experiments
