// The axes of a sweep: which names may vary, and the combinations they make for one arm.
#pragma once
#include <string>
#include <vector>

#include "core/document/problem.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// The keys of an object in a document, "constants" say; none where it is no object.
[[nodiscard]] std::vector<std::string> keys_of(const core::Json& root, const char* member);

/// A resolved sweep document and the documents it names. `models` and `methods` go with the arms, in
/// their order; `model` is the sweep's own.
struct SweepSources {
  SweepSources(const core::Document& document, const core::Json& resolved, const core::Document& model);

  const core::Document& document;
  const core::Json& resolved;
  const core::Document& model;
  std::vector<const core::Document*> models, methods;

  [[nodiscard]] const std::vector<std::string>& arms() const { return arms_; }
  /// An arm's fields in the resolved document.
  [[nodiscard]] const core::Json& fields(std::size_t arm) const { return *fields_[arm]; }
  /// Constants of the arms' models and methods, fields of training and data: "model.width", ...
  [[nodiscard]] std::vector<std::string> names() const;
  /// Constants of one arm's model, and "model.size" where it has sizes.
  [[nodiscard]] std::vector<std::string> model_names(std::size_t arm) const;
  /// "/arms/<name>"; of a control, that of the arm it was made of.
  [[nodiscard]] std::string arm_pointer(std::size_t arm) const;
  [[nodiscard]] bool has_constant(std::size_t arm, const std::string& name) const;

 private:
  std::vector<std::string> arms_;
  std::vector<const core::Json*> fields_;
};

/// One way an axis can stand: the values it sets together.
using Setting = std::vector<Assignment>;
using Axis = std::vector<Setting>;

/// Adds a problem for every name that is none, value of the wrong kind, zip of unequal lengths, and name set
/// twice.
void check_axes(const SweepSources& sources, core::Problems& problems);

/// The axes of one arm in order: tune, parameters, zip. Constants that its method does not have are left out.
[[nodiscard]] std::vector<Axis> axes_of(const SweepSources& sources, std::size_t arm);

}  // namespace isorbit::experiments
