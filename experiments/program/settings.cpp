#include "experiments/program/settings.hpp"

#include "experiments/sweep/overrides.hpp"

namespace isorbit::experiments {

std::vector<Assignment> settings_from(const CommandLine& line, const std::string& expected) {
  std::vector<Assignment> settings;
  for (const std::string& text : line.texts("set")) {
    const std::size_t equals = text.find('=');
    const std::vector<core::Json> values =
        split_values(equals == std::string::npos ? "" : text.substr(equals + 1));
    if (equals == std::string::npos || equals == 0 || values.size() != 1)
      throw UsageError("found --set \"" + text + "\"; expected " + expected);
    settings.push_back({text.substr(0, equals), values.front()});
  }
  return settings;
}

core::Json constants_from(const CommandLine& line) {
  core::Json constants = core::Json::object();
  for (const Assignment& set : settings_from(line, "constant=value")) constants[set.name] = set.value;
  return constants;
}

}  // namespace isorbit::experiments
