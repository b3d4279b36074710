// "on_defect" of a training section: what becomes of a run that no longer keeps what its method says it
// keeps. It reads the rows of the journal as they are written, and as they were when a run is resumed.
#pragma once
#include <functional>
#include <set>
#include <string>

#include "analysis/certificate.hpp"
#include "core/document/json.hpp"

namespace isorbit::experiments {

class DefectWatch {
 public:
  /// "fail" and "warn" of training.on_defect; without it nothing is watched. `note` is told of warnings.
  DefectWatch(const core::Json& training, std::function<void(const std::string&)> note);

  /// A row of the journal.
  void row(const core::Json& row);
  /// Throws std::runtime_error naming weight, move and bound where something is broken and the run is to
  /// fail; else notes it, once for each weight.
  void check(std::int64_t step);

 private:
  [[nodiscard]] bool is_on() const { return !action_.empty(); }
  void report(const std::string& what, const std::string& text, std::int64_t step);

  std::string action_;
  std::function<void(const std::string&)> note_;
  analysis::Certifier certifier_;
  bool changed_ = false;
  std::set<std::string> noted_;
};

}  // namespace isorbit::experiments
