// What happens to weights between steps. The words stand in experiments/events/, one a file. Order in a step:
// backward, updates, step += 1, measures where they are due, events as listed, validation. Only at step 0
// events come before measures.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/document/spec.hpp"
#include "core/passes/symmetries.hpp"
#include "core/runtime/tensor.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments {

/// One row of the record's /event table. NaN: does not apply.
struct EventRow {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::int64_t step = 0;
  std::string kind, parameter;
  double factor, defect, bound;
  double before = kNone, after = kNone;  // ratio of norms of two weights scaled against each other
  double ulp = kNone;                    // move of the logits in units in the last place of the largest
};

/// What an event may do to a training run. Weights are named as in the model ("layers.0.attn.q.weight").
class EventScope {
 public:
  virtual ~EventScope() = default;
  [[nodiscard]] virtual std::int64_t step() const = 0;
  /// The weights the event is for: those of its group, or all where it stands beside the groups.
  [[nodiscard]] virtual std::span<const std::string> weights() const = 0;
  [[nodiscard]] virtual bool is_parametrized(const std::string& weight) const = 0;  // base_is_fixed
  [[nodiscard]] virtual std::uint64_t seed() const = 0;
  /// Writes the realized weights into their bases, starts their next interval, and returns one (defect,
  /// bound) per weight: the largest move of a singular value relative to the largest one, and what it might
  /// have been.
  struct Merged {
    double defect = 0, bound = 0;
    double rounding_defect = 0, rounding_bound = 0;  // what of it a base that is stored in bytes has made
  };
  [[nodiscard]] virtual std::vector<Merged> merge(std::span<const std::string> weights) = 0;
  /// Zeroes the moments (and age) of everything trained for a weight: itself, or its coordinates.
  virtual void reset_moments(const std::string& weight) = 0;
  /// Logits of the model on a fixed probe batch, computed with the weights as they are now.
  [[nodiscard]] virtual std::vector<float> logits() = 0;

  // Scaling. A tensor is a weight of the model, or a coordinate ("<weight>/b"). Factors stand along an axis:
  // 0 for rows, 1 for columns; a vector has rows.

  /// What may be scaled against each other.
  [[nodiscard]] virtual const std::vector<core::ScalingFamily>& families() const = 0;
  /// Entries as the model computes with them, in the model's order, times the factors that scale_rates() has
  /// set. Valid until the next call that changes a weight.
  [[nodiscard]] virtual std::span<const float> weight(const std::string& tensor) = 0;
  /// Whether each row or column may have a factor of its own now. If not, it may after a merge.
  [[nodiscard]] virtual bool takes_single_factors(const std::string& tensor) const = 0;
  /// Two trained coordinates of a weight, [out, rank] and [rank, in], of which only the product counts.
  struct Adapters {
    std::string left, right;  // tensors
    std::size_t rank = 0;
  };
  [[nodiscard]] virtual std::optional<Adapters> adapters(const std::string& weight) const = 0;
  /// Multiplies a tensor: of a parametrized weight, what is stored for it.
  virtual void scale(const std::string& tensor, std::size_t axis, std::span<const double> factors) = 0;
  /// Transports the moments of what scale() has multiplied: each times factor^power. Throws
  /// std::runtime_error where factors differ and a moment is not of the tensor's shape.
  virtual void transport_moments(const std::string& tensor, std::size_t axis,
                                 std::span<const double> factors) = 0;
  /// Trains what scale() would multiply as if it had been, by the sizes of its steps (training/rates.hpp).
  virtual void scale_rates(const std::string& tensor, std::size_t axis, std::span<const double> factors) = 0;

  virtual void log(EventRow row) = 0;
};

struct Event {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;  // beside "every" and "at", which every event has
  std::function<void(const core::Json& fields, EventScope&)> apply;
  /// What an arm does not do where the event does not happen: "rescales". The kinds of its rows are its name,
  /// alone or before "_..."; those that end in "_skipped" tell what was left as it is.
  std::string does = {};
  /// Whether it may zero moments, and whether it may merge weights; nothing: it does not.
  std::function<bool(const core::Json&fields)> zeroes_moments = {}, merges = {};
};

namespace events {
[[nodiscard]] std::vector<Event> registered();
}
}  // namespace isorbit::experiments
