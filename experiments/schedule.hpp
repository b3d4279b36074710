// A number that moves with the step. The words stand in experiments/schedules/, one a file.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/document/spec.hpp"
#include "experiments/idle.hpp"

namespace isorbit::experiments {

/// A schedule word: its fields, and its value for the update that follows `step` finished updates of `steps`
/// in all.
struct Schedule {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;
  std::function<double(const core::Json& fields, std::int64_t step, std::int64_t steps)> at;
  /// The largest value that it is meant to have.
  std::function<double(const core::Json& fields)> largest = {};
  /// Why it does not reach that in a run; nothing: it does.
  std::function<std::optional<Misfit>(const core::Json& fields, const RunFacts&)> unreached = {};
};

/// What a document may say where a number may move: a number, or {"schedule": word, ...fields}.
[[nodiscard]] core::Spec scheduled_number();

/// The word of such a number that is no plain one.
[[nodiscard]] const Schedule& schedule_of(const core::Json& value);

/// The value of such a (resolved) number at a step.
[[nodiscard]] double number_at(const core::Json& value, std::int64_t step, std::int64_t steps);

/// The largest value that such a (resolved) number is meant to have.
[[nodiscard]] double largest_number(const core::Json& value);

namespace schedules {
[[nodiscard]] std::vector<Schedule> registered();
}
}  // namespace isorbit::experiments
