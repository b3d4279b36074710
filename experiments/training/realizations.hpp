// How a method rewrites the weights of a model, and in which form each layer is computed.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/passes/passes.hpp"
#include "core/passes/read_model.hpp"
#include "experiments/method.hpp"

namespace isorbit::experiments {

/// The form of a layer whose parametrization has two.
struct FormChoice {
  std::string weight, form;  // "weight" or "input"
  /// Estimated seconds of a training step's share (core/passes/cost.hpp), of one thread.
  double weight_side = 0, input_side = 0;
};

struct Realizations {
  std::map<std::string, core::Realize> rewrites;  // by parameter
  std::vector<FormChoice> forms;                  // in the model's order
};

/// The rewrites a method asks for. The field "form" of a parametrization decides between its forms; "auto"
/// takes the cheaper one by shapes and precision alone, so that the same documents give the same programs.
[[nodiscard]] Realizations realizations(const Method& method, const core::Model& model,
                                        const core::OpSet& ops, core::DType precision);

}  // namespace isorbit::experiments
