#include "experiments/sweep/elsewhere.hpp"

#include <algorithm>

#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::shown;

using Words = std::vector<std::string>;

Words words_of(const std::string& pointer) {
  Words words;
  for (Json::json_pointer at(pointer); !at.empty(); at.pop_back()) words.push_back(at.back());
  std::ranges::reverse(words);
  return words;
}

/// "training.steps", "model.width", "method.learning_rate": what has a place in a sweep.
Words names(const ArmDocuments& models, const ArmDocuments& methods) {
  Words all;
  const core::Spec training = training_spec(), data = data_spec();
  for (const core::Field& field : training.description().fields) all.push_back("training." + field.name);
  for (const core::Field& field : data.description().fields) all.push_back("data." + field.name);
  for (const auto& [group, documents] : {std::pair{"model.", &models}, {"method.", &methods}})
    for (const auto& document : *documents)
      if (document)
        for (const std::string& name : keys_of(document->root, "constants")) all.push_back(group + name);
  return all;
}

/// As a document writes it, without the value.
std::string in_document(const std::string& name) {
  const std::size_t dot = name.find('.');
  const std::string group = name.substr(0, dot), field = shown(Json(name.substr(dot + 1))) + ": ...";
  if (group == "method") return "\"set\": {" + field + "} in an arm";
  if (group == "model") return "\"model\": {\"constants\": {" + field + "}}";
  return shown(Json(group)) + ": {" + field + "}";
}

class Completion {
 public:
  Completion(const core::Document& sweep, const ArmDocuments& models, const ArmDocuments& methods)
      : sweep_(sweep), names_(names(models, methods)), arms_(keys_of(sweep.root, "arms")) {}

  void complete(core::Problem& problem) const {
    if (problem.file == sweep_.file && problem.pointer == "/seeds") seeds(problem);
    if (!problem.suggestion.empty()) return;
    const bool on_command_line = problem.file.starts_with(kCommandLine);
    if (problem.file != sweep_.file && !on_command_line) return;
    const Words words = words_of(problem.pointer);
    if (words.empty()) return;
    if (problem.found == "key " + shown(Json(words.back())))
      problem.suggestion = on_command_line ? override_of(problem.file, words) : key_of(words);
    else if (!on_command_line)
      problem.suggestion = list_of(problem.pointer, words);
  }

 private:
  static constexpr std::string_view kCommandLine = "command line ";

  /// A number for a list of seeds may mean how many.
  void seeds(core::Problem& problem) const {
    constexpr std::int64_t kFew = 10;
    const Json& given = sweep_.root.at("seeds");
    if (!given.is_number_integer() || given < 2 || given > kFew) return;
    Json all = Json::array();
    for (std::int64_t seed = 0; seed < given.get<std::int64_t>(); ++seed) all.push_back(seed);
    problem.suggestion = all.dump() + ", so many seeds, or [" + given.dump() + "], that seed alone";
  }

  [[nodiscard]] std::string name_of(const std::string& key) const {
    return core::nearest(key, names_).value_or("");
  }

  /// Where a key belongs that its object does not have.
  [[nodiscard]] std::string key_of(const Words& words) const {
    const std::string name = name_of(words.back());
    if (name.empty()) return {};
    const bool in_arm = words.size() == 3 && words[0] == "arms";
    if (in_arm && name.starts_with("method.")) return "\"set\": {" + shown(Json(name.substr(7))) + ": ...}";
    return words.size() < 3 || in_arm ? in_document(name) : "";
  }

  /// The override with the name it should have.
  [[nodiscard]] std::string override_of(const std::string& file, const Words& words) const {
    const std::string text = file.substr(kCommandLine.size());
    const std::string value = text.substr(std::min(text.size(), text.find('=')));
    const bool in_arm = words.size() == 3 && words[0] == "arms";
    std::string name = name_of(words.back());
    if (words.size() == 1 && std::ranges::find(arms_, words[0]) != arms_.end()) {
      const std::string rest = text.substr(words[0].size(), text.find('=') - words[0].size());
      return "arms." + words[0] + (rest.find('.', 1) == rest.npos && rest.size() > 1 ? ".set" : "") + rest +
             value;
    }
    if (name.empty() || (words.size() > 2 && !in_arm)) return {};
    if (in_arm)
      name = "arms." + words[1] + (name.starts_with("method.") ? ".set." + name.substr(7) : "." + name);
    return name + value;
  }

  /// A list where one value belongs.
  [[nodiscard]] std::string list_of(const std::string& pointer, const Words& words) const {
    const Json::json_pointer at(pointer);
    if (!sweep_.root.contains(at)) return {};
    const Json& value = sweep_.root.at(at);
    if (!value.is_array() || value.empty()) return {};
    const auto entry = [&](const std::string& name) {
      return "{" + shown(Json(name)) + ": " + shown(value) + "}";
    };
    if (words.size() == 4 && words[0] == "arms" && words[2] == "set") return "\"tune\": " + entry(words[3]);
    const bool of_field = words.size() == 2 && (words[0] == "training" || words[0] == "data");
    const bool of_constant = words.size() == 3 && words[0] == "model" && words[1] == "constants";
    if (!of_field && !of_constant) return {};
    return "\"parameters\": " + entry(words.front() + "." + words.back());
  }

  const core::Document& sweep_;
  Words names_, arms_;
};

}  // namespace

void suggest_elsewhere(std::vector<core::Problem>& problems, const core::Document& sweep,
                       const ArmDocuments& models, const ArmDocuments& methods) {
  const Completion completion(sweep, models, methods);
  for (core::Problem& problem : problems) completion.complete(problem);
}

}  // namespace isorbit::experiments
