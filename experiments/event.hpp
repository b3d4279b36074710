// What happens to weights between steps. The words stand in experiments/events/, one a file. Order in a step:
// backward, updates, step += 1, events as listed.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/document/spec.hpp"
#include "core/passes/passes.hpp"
#include "core/runtime/tensor.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments {

/// One row of the record's /event table. NaN: does not apply.
struct EventRow {
  std::int64_t step = 0;
  std::string kind, parameter;
  double factor, defect, bound;
};

/// What an event may do to a training run. Weights are named as in the model ("layers.0.attn.q.weight").
class EventScope {
 public:
  virtual ~EventScope() = default;
  [[nodiscard]] virtual std::int64_t step() const = 0;
  /// The weights the event is for: those of its group, or all where it stands beside the groups.
  [[nodiscard]] virtual std::span<const std::string> weights() const = 0;
  [[nodiscard]] virtual bool is_parametrized(const std::string& weight) const = 0;  // base_is_fixed
  [[nodiscard]] virtual core::Tensor& base(const std::string& weight) = 0;
  /// Writes the realized weights into their bases, starts their next interval, and returns one (defect,
  /// bound) per weight: the largest move of a singular value relative to the largest one, and what it might
  /// have been.
  struct Merged {
    double defect = 0, bound = 0;
  };
  [[nodiscard]] virtual std::vector<Merged> merge(std::span<const std::string> weights) = 0;
  /// The tensors of two trained coordinates of a weight, [out, r] and [r, in], of which only the product
  /// counts; base() gives them. Nothing: it has none.
  [[nodiscard]] virtual std::optional<std::pair<std::string, std::string>> adapters(
      const std::string& weight) const = 0;
  /// Zeroes the moments (and age) of everything trained for a weight: itself, or its coordinates.
  virtual void reset_moments(const std::string& weight) = 0;
  /// Transports the moments of a tensor that was scaled by `factor`: each times factor^power.
  virtual void transport_moments(const std::string& tensor, double factor) = 0;
  /// Logits of the model on a fixed probe batch, computed with the weights as they are now.
  [[nodiscard]] virtual std::vector<float> logits() = 0;
  /// The model's pairs with their globs resolved: one entry a layer; tensors that take the factor and its
  /// inverse.
  struct Pair {
    std::string name;                      // "qk"
    std::string first, second;             // weights: "layers.0.attn.q.weight", "layers.0.attn.k.weight"
    std::vector<std::string> with_first;   // biases that take the first's factor
    std::vector<std::string> with_second;  // biases that take the second's factor
  };
  [[nodiscard]] virtual std::vector<Pair> pairs(const std::string& name) const = 0;
  virtual void log(EventRow row) = 0;
};

struct Event {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;  // beside "every" and "at", which every event has
  std::function<void(const core::Json& fields, EventScope&)> apply;
};

namespace events {
[[nodiscard]] std::vector<Event> registered();
}
}  // namespace isorbit::experiments
