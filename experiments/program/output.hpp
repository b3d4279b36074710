// A file that a verb writes where its user says.
#pragma once
#include <memory>
#include <ostream>
#include <string>

#include "experiments/program/verb.hpp"

namespace isorbit::experiments {

/// "-" and whatever standard output is are standard output. A file, or none, is replaced whole when all is
/// written, with its permissions; so is what a symbolic link leads to, and the link stays. Anything else (a
/// device, a pipe) is written into. It is opened at once, so that what cannot be written is known before the
/// work: a directory and a missing folder are UsageErrors, the rest std::system_error.
class Output {
 public:
  Output(Console& console, const std::string& name);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Throws std::system_error when it cannot be written.
  [[nodiscard]] std::ostream& stream();
  void commit();

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;        // null: standard output
  std::unique_ptr<std::ostream> stream_;  // into the buffer
  std::ostream& standard_;
};

}  // namespace isorbit::experiments
