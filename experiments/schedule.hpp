// A number that moves with the step. The words stand in experiments/schedules/, one a file.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/document/spec.hpp"

namespace isorbit::experiments {

/// A schedule word: its fields, and its value for the update that follows `step` finished updates of `steps`
/// in all.
struct Schedule {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;
  std::function<double(const core::Json& fields, std::int64_t step, std::int64_t steps)> at;
};

/// What a document may say where a number may move: a number, or {"schedule": word, ...fields}.
[[nodiscard]] core::Spec scheduled_number();

/// The value of such a (resolved) number at a step.
[[nodiscard]] double number_at(const core::Json& value, std::int64_t step, std::int64_t steps);

namespace schedules {
[[nodiscard]] std::vector<Schedule> registered();
}
}  // namespace isorbit::experiments
