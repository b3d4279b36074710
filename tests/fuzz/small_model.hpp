// A model of a few numbers and methods for it, that readers of documents and checkpoints are tried on.
#pragma once
#include <string_view>

#include "experiments/method.hpp"
#include "experiments/sweep/resolve_cells.hpp"

namespace isorbit::fuzz {

inline constexpr std::string_view small_model_text = R"({
  "name": "small",
  "constants": { "batch": 2, "pixels": 4, "width": 8, "classes": 2 },
  "inputs": {
    "images": { "shape": ["batch", "pixels"], "type": "number" },
    "labels": { "shape": ["batch"], "type": "index", "below": "classes" }
  },
  "nodes": [
    { "id": "fc1", "op": "linear", "in": "images", "units": "width", "bias": true },
    { "id": "act1", "op": "relu", "in": "fc1" },
    { "id": "fc2", "op": "linear", "in": "act1", "units": "width", "bias": true },
    { "id": "act2", "op": "relu", "in": "fc2" },
    { "id": "fc3", "op": "linear", "in": "act2", "units": "classes", "bias": true },
    { "id": "loss", "op": "cross_entropy", "in": ["fc3", "labels"] }
  ],
  "loss": "loss",
  "outputs": { "logits": "fc3" }
})";

inline constexpr std::string_view small_method_text = R"({
  "name": "both",
  "groups": [
    { "parameters": "fc2.weight",
      "parametrization": { "kind": "poet", "sampling": "block", "block_size": 4 },
      "update": [{ "kind": "adam" }, { "kind": "learning_rate", "value": 0.01 }],
      "events": [{ "kind": "merge", "every": 2 }] },
    { "parameters": "*", "update": [{ "kind": "adam" }, { "kind": "learning_rate", "value": 0.01 }] }
  ]
})";

inline core::Model small_model() {
  return core::read_model(core::parse_document(small_model_text, "small"), experiments::every_op());
}

}  // namespace isorbit::fuzz
