// What the cells of a sweep really compute. A method may hold what does nothing in a run as short as a
// cell's: that is a warning, and cells that differ in nothing else are one run.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "experiments/method_effect.hpp"
#include "experiments/sweep/expand.hpp"

namespace isorbit::experiments {

/// What a collector holds, and nothing left in it.
[[nodiscard]] std::vector<core::Problem> taken(core::Problems& problems);

class Effects {
 public:
  explicit Effects(const SweepSources& sources) : s_(sources), arms_(sources.arms()) {}

  /// Sets `run` and `idle` of a cell whose document, facts and start are there, and collects what does
  /// nothing in it.
  void add(const Candidate& candidate, const Method& method, const core::Model& model, Cell& cell);
  /// Collects the parametrizations that never move what a file has as zeros.
  void given(const Candidate& candidate, const Method& method, const core::Model& model,
             const std::set<std::string>& zeros);
  [[nodiscard]] const std::vector<core::Problem>& warnings() const { return warnings_; }

 private:
  struct Known {
    core::Json method;
    std::string model;  // digest
    std::vector<std::string> sentences;
  };
  const Known& known(const Candidate& candidate, const Method& method, const core::Model& model,
                     const Cell& cell);
  void warn_of_method(const Candidate& candidate, const Method& method, const core::Model& model);
  void warn_of_training(const Candidate& candidate);
  /// Where a field of training was written; empty: nowhere.
  [[nodiscard]] std::string written(const Candidate& candidate, const std::string& field) const;
  void add(std::vector<core::Problem> problems);

  const SweepSources& s_;
  std::vector<std::string> arms_;
  std::vector<core::Problem> warnings_;
  std::set<std::string> said_, trainings_;
  std::map<std::string, Known> known_;
};

}  // namespace isorbit::experiments
