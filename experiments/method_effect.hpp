// What is left of a method without what does nothing: two methods with the same effect are the same run.
#pragma once
#include <string>
#include <vector>

#include "experiments/method.hpp"

namespace isorbit::experiments {

struct Effect {
  core::Json method;                   // groups by the names of their parameters, aliases expanded
  std::vector<std::string> sentences;  // what was left out: "never rescales in 20 steps"
};

/// Of a run of `steps` updates of a model. An event that comes after the last update only is kept.
[[nodiscard]] Effect effect_of(const Method& method, const core::Model& model, std::int64_t steps);

}  // namespace isorbit::experiments
