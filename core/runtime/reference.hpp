// The slow engine: runs any graph in double with the cards' references. All mathematics is checked against
// it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/graph/graph.hpp"

namespace isorbit::core {

/// Values of inputs and parameters by name: numbers for f32 values, integers for s32 values.
struct ReferenceInputs {
  std::map<std::string, std::vector<double>> values;
  std::map<std::string, std::vector<std::int32_t>> indices;
};

/// The graph's outputs by name, in double. Throws std::invalid_argument naming a missing or mis-sized input.
[[nodiscard]] std::map<std::string, std::vector<double>> evaluate(const Graph& graph,
                                                                  const ReferenceInputs& inputs);

}  // namespace isorbit::core
