#include "experiments/training/foreign_table.hpp"

#include <algorithm>
#include <map>

namespace isorbit::experiments {

namespace {

using core::Field;
using core::Json;
using core::Spec;

Spec names() { return Spec::list(Spec::text().at_least_items(1)); }
Spec truth() { return Spec::either({Spec::boolean(), Spec::number()}); }

Spec table_spec() {
  const Spec tensor = Spec::object(
      {Field{"ours", Spec::either({Spec::text(), names().at_least_items(1)}), "our name, or several"},
       Field{"transposed", Spec::boolean(), "the second axis comes first", false},
       Field{"when", truth(), "the tensor is there when this is not 0", true}});
  return Spec::object(
      {Field{"config", Spec::map(Spec::any()), "what stands in the configuration file", Json::object()},
       Field{"numbers", Spec::map(Spec::integer()), "its whole numbers, over the model's constants",
             Json::object()},
       Field{"flags", Spec::map(truth()), "its truth values, over the model's constants", Json::object()},
       Field{"absent", Spec::map(Spec::any()), "what a key is to the program where it is absent",
             Json::object()},
       Field{"absent_numbers", Spec::map(Spec::integer()), "likewise, over the model's constants",
             Json::object()},
       Field{"also", Spec::map(Spec::text()), "other places of keys", Json::object()},
       Field{"only", Spec::map(Spec::list(Spec::any()).at_least_items(1)),
             "key -> values that compute what the model does", Json::object()},
       Field{"unchecked", names(), "patterns of keys that change nothing", Json::array()},
       Field{"tensors", Spec::map(Spec::either({Spec::text(), tensor})).at_least_items(1),
             "their name -> ours"},
       Field{"copies", Spec::map(Spec::text()), "a tensor that must equal another", Json::object()},
       Field{"ignored", names(), "patterns of tensors that say nothing", Json::array()}});
}

bool is_true(const Json& value) { return value.is_boolean() ? value.get<bool>() : value.get<double>() != 0; }

/// The model's constants as expressions see them: a text in its own quotes.
core::Constants constants_of(const core::Model& model) {
  core::Constants constants;
  for (const auto& [name, value] : model.constants.items())
    constants.set(name, value.is_string() ? core::text_constant(value.get<std::string>()) : value);
  return constants;
}

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts(1);
  for (const char c : name) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// What the stars of a pattern stand for in a name; nothing where it does not match.
std::optional<std::vector<std::string>> captured(const std::string& pattern, const std::string& name) {
  const std::vector<std::string> wanted = parts_of(pattern), found = parts_of(name);
  if (wanted.size() != found.size()) return std::nullopt;
  std::vector<std::string> stars;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "*")
      stars.push_back(found[i]);
    else if (wanted[i] != found[i])
      return std::nullopt;
  }
  return stars;
}

std::string filled(const std::string& pattern, const std::vector<std::string>& stars) {
  std::string out;
  std::size_t next = 0;
  for (const char c : pattern) {
    if (c == '*' && next < stars.size())
      out += stars[next++];
    else
      out += c;
  }
  return out;
}

class TableReader {
 public:
  TableReader(const core::Document& document, const core::Model& model, const std::string& program)
      : document_(document),
        model_(model),
        program_(program),
        pointer_(core::pointer_join("/exports", program)) {}

  ForeignTable read() {
    const Json all = document_.root.value("exports", Json::object());
    if (!all.is_object() || !all.contains(program_)) {
      std::string known;
      for (const std::string& name : foreign_programs(document_)) known += (known.empty() ? "" : ", ") + name;
      problems_.add(document_, "/exports", "no \"" + program_ + "\"", "a table of names for it",
                    known.empty() ? "the model has no tables" : "the model has tables for " + known);
      problems_.throw_if_any();
    }
    const core::Constants constants = constants_of(model_);
    const Json table =
        core::resolve(all.at(program_), table_spec(), {&document_, pointer_, &constants}, problems_);
    problems_.throw_if_any();
    ForeignTable out;
    out.config = table.at("config");
    for (const auto& [key, value] : table.at("numbers").items()) out.config[key] = value;
    for (const auto& [key, value] : table.at("flags").items()) out.config[key] = is_true(value);
    out.absent = table.at("absent");
    for (const auto& [key, value] : table.at("absent_numbers").items()) out.absent[key] = value;
    out.also = table.at("also").get<std::map<std::string, std::string>>();
    out.only = table.at("only");
    out.unchecked = table.at("unchecked").get<std::vector<std::string>>();
    out.ignored = table.at("ignored").get<std::vector<std::string>>();
    for (const auto& [theirs, entry] : table.at("tensors").items()) add(theirs, entry, out);
    check_cover();
    for (const auto& [theirs, same] : table.at("copies").items()) add_copy(theirs, same, out);
    problems_.throw_if_any();
    return out;
  }

 private:
  void report(const std::string& theirs, std::string found, std::string expected, std::string because = {}) {
    problems_.add(document_, core::pointer_join(pointer_ + "/tensors", theirs), std::move(found),
                  std::move(expected), std::move(because));
  }

  void add(const std::string& theirs, const Json& entry, ForeignTable& out) {
    const Json& ours = entry.is_string() ? entry : entry.at("ours");
    const std::vector<std::string> patterns = ours.is_string()
                                                  ? std::vector<std::string>{ours.get<std::string>()}
                                                  : ours.get<std::vector<std::string>>();
    if (entry.is_object() && !is_true(entry.at("when"))) return;
    const auto stars = [](const std::string& text) { return std::count(text.begin(), text.end(), '*'); };
    for (const std::string& pattern : patterns)
      if (stars(pattern) != stars(theirs)) {
        report(theirs, core::shown(Json(pattern)), "as many stars as in " + core::shown(Json(theirs)));
        return;
      }
    bool any = false;
    for (const core::Parameter& parameter : model_.graph.parameters) {
      const auto found = captured(patterns.front(), model_.graph.value(parameter.value).name);
      if (!found) continue;
      any = true;
      ForeignTensor tensor{
          filled(theirs, *found), {}, {}, entry.is_object() && entry.at("transposed").get<bool>()};
      for (const std::string& pattern : patterns) tensor.ours.push_back({filled(pattern, *found), {}});
      if (join(theirs, tensor)) out.tensors.push_back(std::move(tensor));
    }
    if (!any) report(theirs, core::shown(Json(patterns.front())), "a pattern of the model's weights");
  }

  void add_copy(const std::string& theirs, const std::string& same, ForeignTable& out) {
    const auto has = [&](const std::string& name) {
      return std::ranges::any_of(out.tensors, [&](const ForeignTensor& t) { return t.theirs == name; });
    };
    if (!has(same))
      problems_.add(document_, core::pointer_join(pointer_ + "/copies", theirs), core::shown(Json(same)),
                    "one of its tensors");
    if (!has(theirs)) out.copies.emplace(theirs, same);
  }

  /// The shape of all of ours together; false where there is none.
  bool join(const std::string& theirs, ForeignTensor& tensor) {
    std::vector<std::int64_t> dims;
    for (auto& [name, shape] : tensor.ours) {
      const core::Parameter* parameter = model_.graph.parameter(name);
      if (parameter == nullptr) {
        report(theirs, core::shown(Json(name)), "a weight of the model");
        return false;
      }
      if (!used_.emplace(name, theirs).second)
        report(theirs, core::shown(Json(name)), "each weight once",
               "it is also in " + core::shown(Json(used_.at(name))));
      shape = model_.graph.shape(parameter->value);
      const std::vector<std::int64_t>& own = shape.dims();
      const bool first = dims.empty();
      if (own.empty() || (!first && !std::equal(own.begin() + 1, own.end(), dims.begin() + 1, dims.end()))) {
        report(theirs, core::shown(Json(name)) + " of shape " + core::Shape(own).text(),
               "shapes that differ in the first axis alone", "they are joined along it");
        return false;
      }
      if (first)
        dims = own;
      else
        dims[0] += own[0];
    }
    if (tensor.transposed && dims.size() != 2) {
      report(theirs, "rank " + std::to_string(dims.size()), "a matrix", "it is transposed");
      return false;
    }
    if (tensor.transposed) std::swap(dims[0], dims[1]);
    tensor.shape = core::Shape(dims);
    return true;
  }

  void check_cover() {
    std::string first;
    std::size_t missing = 0;
    for (const core::Parameter& parameter : model_.graph.parameters) {
      const std::string& name = model_.graph.value(parameter.value).name;
      if (!used_.contains(name) && missing++ == 0) first = core::shown(Json(name));
    }
    if (missing > 0)
      problems_.add(document_, pointer_ + "/tensors",
                    "no name for weight " + first +
                        (missing > 1 ? " and " + std::to_string(missing - 1) + " more" : ""),
                    "a name for every weight of the model");
  }

  const core::Document& document_;
  const core::Model& model_;
  const std::string& program_;
  std::string pointer_;
  core::Problems problems_;
  std::map<std::string, std::string> used_;  // our name -> the pattern of theirs that holds it
};

}  // namespace

std::vector<std::string> foreign_programs(const core::Document& document) {
  std::vector<std::string> out;
  if (!document.root.is_object() || !document.root.contains("exports")) return out;
  const Json& exports = document.root.at("exports");
  if (!exports.is_object()) return out;
  for (const auto& [name, table] : exports.items()) out.push_back(name);
  return out;
}

ForeignTable read_foreign_table(const core::Document& document, const core::Model& model,
                                const std::string& program) {
  return TableReader(document, model, program).read();
}

}  // namespace isorbit::experiments
