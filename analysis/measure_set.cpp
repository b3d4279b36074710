#include "analysis/measure_set.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/document/problem.hpp"

namespace isorbit::analysis {

MeasureSet::MeasureSet(std::vector<Measure> measures) : measures_(std::move(measures)) {
  for (auto measure = measures_.begin(); measure != measures_.end(); ++measure) {
    if (measure->name.empty() || !measure->of)
      throw std::invalid_argument("measure \"" + measure->name +
                                  "\": found no name or no function; expected both");
    const auto same = [&](const Measure& other) { return other.name == measure->name; };
    if (std::find_if(measures_.begin(), measure, same) != measure)
      throw std::invalid_argument("measure \"" + measure->name + "\": found twice; expected each name once");
  }
}

const Measure* MeasureSet::find(std::string_view name) const {
  const auto found =
      std::find_if(measures_.begin(), measures_.end(), [&](const Measure& m) { return m.name == name; });
  return found == measures_.end() ? nullptr : &*found;
}

const Measure& MeasureSet::at(std::string_view name) const {
  if (const Measure* found = find(name)) return *found;
  const auto known = names();
  std::string text = "measure: found \"" + std::string(name) + "\"; expected one of";
  for (const auto& word : known) text += (&word == &known.front() ? " " : ", ") + word;
  const auto near = core::nearest(name, known);
  throw std::invalid_argument(text + (near ? "; did you mean \"" + *near + "\"?" : ""));
}

std::vector<std::string> MeasureSet::names() const {
  std::vector<std::string> out;
  for (const Measure& measure : measures_) out.push_back(measure.name);
  return out;
}

}  // namespace isorbit::analysis
