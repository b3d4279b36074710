// Everything one cell needs, read and checked before its first step.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/passes/read_model.hpp"
#include "experiments/data/batch_source.hpp"
#include "experiments/method.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {

struct CellSetup {
  core::OpSet ops;
  core::Model model;
  Method method;
  std::shared_ptr<const BatchSource> source;
  std::int64_t targets_per_step = 0;
  std::string cell_id;

  /// Throws DocumentError for model and method, DataError where the corpus does not give the model's inputs.
  explicit CellSetup(const CellRequest& request);
};

}  // namespace isorbit::experiments
