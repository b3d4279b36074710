// Which weights of a model may be scaled against each other with its outputs unchanged, found in its graph
// (before parametrize and expand) by the rules that cards declare (core/graph/scaling.hpp).
//
// A class of channels, rows and columns that must share one free factor c is a generator: every channel i of
// a member is multiplied by c^power, c being that of the generator it belongs to. Generators that touch the
// same weights in the same manner form a family, one for every place of the model; families of the same kind
// are found in several layers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/graph/graph.hpp"

namespace isorbit::core {

/// A weight of a family, along one of its axes.
struct ScaledWeight {
  std::string parameter;
  std::size_t axis = 0;                  // of [out, in]: 0 scales rows, 1 columns
  double power = 1;                      // the first member's is 1; negative: it takes the inverse
  bool is_offset = false;                // a bias: it takes the factor and does not count in norms
  std::vector<std::int32_t> generators;  // by index along the axis; -1: stays as it is
};

struct ScalingFamily {
  std::string name;                   // "layers.0.attn.q~layers.0.attn.k"
  std::string kind;                   // the last parts of the names: "q-k"
  std::vector<ScaledWeight> members;  // in the model's order
  std::int32_t generators = 0;
  std::vector<std::int32_t> groups;  // by generator: the head it belongs to; empty: it has no heads
  std::int32_t group_count = 0;
  /// What takes no factor of its own within the family, and why.
  struct Finer {
    std::string what, because;
    friend bool operator==(const Finer&, const Finer&) = default;
  };
  std::vector<Finer> finer;
};

/// An axis of a weight that takes no factor at all.
struct ScalingRefusal {
  std::string parameter;
  std::string kind;  // "gate rows", "embed columns"
  std::string because;
};

struct Symmetries {
  std::vector<ScalingFamily> families;   // by kind in the order first met, then in the model's order
  std::vector<ScalingRefusal> refusals;  // in the model's order

  /// Kinds, each once.
  [[nodiscard]] std::vector<std::string> kinds() const;
  /// A line for every kind of refusal and every `finer` of a kind: "gate rows: ... is not homogeneous".
  [[nodiscard]] std::vector<std::string> reasons() const;
};

/// Near linear in the number of channels of all values.
[[nodiscard]] Symmetries symmetries(const Graph& graph);

}  // namespace isorbit::core
