// What every reader of training data throws.
#pragma once
#include <stdexcept>

namespace isorbit::experiments {

/// Data that is missing, unreadable, too short or unfit; the text names the place, what was found and what to
/// do.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace isorbit::experiments
