// What a group's pattern may have meant that names no parameter of a model.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/passes/passes.hpp"

namespace isorbit::experiments {

class NamesOfGroup {
 public:
  NamesOfGroup(const core::Model& model, std::string pattern);

  /// The pattern names some parameter.
  [[nodiscard]] bool any() const;
  /// Why it names none: it names a weight that is shared, a layer beyond the last, or nothing.
  [[nodiscard]] std::string because() const;
  /// What to write instead; empty: nobody can tell.
  [[nodiscard]] std::string suggestion() const;

 private:
  /// Parameters the pattern would name if it were `pattern`.
  [[nodiscard]] bool names_any(const std::string& pattern) const;
  /// The pattern with every number that stands alone between dots as a star.
  [[nodiscard]] std::string of_any_layer() const;

  const core::Model& model_;
  std::string pattern_;
  std::vector<std::string> parameters_;
  std::map<std::string, std::string> shared_;  // "head.weight" -> "embed.weight"
};

}  // namespace isorbit::experiments
