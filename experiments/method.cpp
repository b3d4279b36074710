// Reads a method document: constants, then the fields against their description, then what only all fields
// together can tell.
#include "experiments/method.hpp"

#include <algorithm>

#include "core/passes/name_glob.hpp"

namespace isorbit::experiments {

namespace {

using core::Document;
using core::Json;
using core::Problems;

std::string in_quotes(const std::string& word) { return core::shown(Json(word)); }

template <class T>
const T& find(const std::vector<T>& words, const Json& fields) {
  const auto name = fields.at("kind").get<std::string>();
  return *std::find_if(words.begin(), words.end(), [&](const T& word) { return word.name == name; });
}

/// The constants of the document under the overrides; unknown ones are reported.
Json layered(const Document& document, const Json& overrides, Problems& problems) {
  Json values = Json::object();
  if (document.root.is_object() && document.root.contains("constants") &&
      document.root.at("constants").is_object())
    values = document.root.at("constants");
  std::vector<std::string> known;
  for (const auto& [name, value] : values.items()) known.push_back(name);
  for (const auto& [name, value] : overrides.items()) {
    if (values.contains(name) && value.is_primitive() && !value.is_null()) {
      values[name] = value;
    } else if (values.contains(name)) {
      problems.add(document, core::pointer_join("/constants", name), core::shown(value) + " set from outside",
                   "a number or an expression");
    } else {
      const auto near = core::nearest(name, known);
      problems.add(document, "/constants", "constant " + in_quotes(name) + " set from outside",
                   known.empty() ? "none: the method has no constants"
                                 : core::expectation(core::Spec::text().one_of(known)),
                   {}, near ? in_quotes(*near) : "");
    }
  }
  return values;
}

/// Every constant as a number, or as a text in its quotes, so that reading it again gives the same.
Json evaluated(const Document& document, const core::Constants& constants, Problems& problems) {
  Json out = Json::object();
  for (const auto& [name, value] : constants.values().items()) {
    if (!value.is_primitive() || value.is_null()) continue;  // the description reports it
    try {
      const core::Quantity quantity = constants.value(name);
      if (const auto* text = std::get_if<std::string>(&quantity)) {
        out[name] = core::text_constant(*text);
      } else {
        out[name] = value.is_number() ? value : Json(std::get<double>(quantity));
      }
    } catch (const core::ExpressionError& error) {
      problems.add(document, core::pointer_join("/constants", name), core::shown(value),
                   "an expression over constants", error.what(),
                   error.suggestion.empty() ? "" : in_quotes(error.suggestion));
    }
  }
  return out;
}

/// The names in an expression; none where it is none.
std::vector<std::string> names_in(const Json& value) {
  if (!value.is_string()) return {};
  try {
    return core::names_in(value.get_ref<const std::string&>());
  } catch (const core::ExpressionError&) {
    return {};
  }
}

/// The document against its description. What is wrong because a constant is has been said at the constant.
Json resolved(const Document& document, const core::Constants& constants, const Json& evaluated,
              Problems& problems) {
  Problems found;
  Json all = core::resolve(document.root, method_spec(), {&document, "", &constants}, found);
  const auto fails = [&](const std::string& name) {
    return constants.values().contains(name) && !evaluated.contains(name);
  };
  try {
    found.throw_if_any();
  } catch (const core::DocumentError& error) {
    for (const core::Problem& problem : error.problems()) {
      const Json::json_pointer at(problem.pointer);
      const bool there = document.root.contains(at);
      if (!there || std::ranges::none_of(names_in(document.root.at(at)), fails)) problems.add(problem);
    }
  }
  return all;
}

class Reader {
 public:
  Reader(const Document& document, Problems& problems) : document_(document), problems_(problems) {}

  Group group(const Json& fields, const std::string& at) {
    Group group;
    group.parameters = fields.at("parameters").get<std::string>();
    if (std::ranges::count(group.parameters, '{') != std::ranges::count(group.parameters, '}'))
      problems_.add(document_, at + "/parameters", in_quotes(group.parameters),
                    "as many \"{\" as \"}\" in a pattern");
    const Json& parametrization = fields.at("parametrization");
    group.parametrization = {&find(Vocabulary::all().parametrizations, parametrization), parametrization,
                             at + "/parametrization"};
    chain(fields.at("update"), at + "/update", group.update);
    group.events = events(fields.at("events"), at + "/events");
    return group;
  }

  std::vector<EventWord> events(const Json& list, const std::string& at) {
    std::vector<EventWord> all;
    for (std::size_t i = 0; i < list.size(); ++i) {
      EventWord event{{&find(Vocabulary::all().events, list[i]), list[i], core::pointer_join(at, i)}, 0, {}};
      if (list[i].contains("every")) event.every = list[i].at("every").get<std::int64_t>();
      if (list[i].contains("at")) event.at = list[i].at("at").get<std::vector<std::int64_t>>();
      if (event.every == 0 && event.at.empty())
        problems_.add(document_, core::pointer_join(at, i), "neither \"every\" nor \"at\"",
                      "\"every\": an integer of at least 1, \"at\": a list of steps, or both",
                      "the event would never happen");
      all.push_back(std::move(event));
    }
    return all;
  }

 private:
  /// Appends words, aliases expanded, and checks that exactly one sets the step size, after the moments. An
  /// empty list leaves its tensors as they are.
  void chain(const Json& list, const std::string& at, std::vector<Word<Update>>& words) {
    bool has_rate = list.empty();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::size_t first = words.size();
      expand(list[i], core::pointer_join(at, i), words);
      for (std::size_t w = first; w < words.size(); ++w) {
        const Update& word = *words[w].word;
        const bool is_rate = word.name == "learning_rate";
        if (has_rate && is_rate)
          problems_.add(document_, core::pointer_join(at, i), "a second \"learning_rate\"", "exactly one",
                        "use \"scale\" to multiply it");
        if (has_rate && !is_rate && (word.moments_on || !word.moments.empty()))
          problems_.add(
              document_, core::pointer_join(at, i), in_quotes(word.name) + " after \"learning_rate\"",
              "words that keep moments before \"learning_rate\"", "the step size would go into the moments");
        has_rate = has_rate || is_rate;
      }
    }
    if (!has_rate)
      problems_.add(document_, at, "no \"learning_rate\"", "exactly one in an update",
                    "the tensor would move by the direction itself");
  }

  void expand(const Json& fields, const std::string& at, std::vector<Word<Update>>& words) {
    const Update& word = find(Vocabulary::all().updates, fields);
    if (!word.expand) {
      words.push_back({&word, fields, at});
      return;
    }
    static const core::Spec one = update_spec();
    for (const Json& part : word.expand(fields)) expand(core::resolve(part, one, {}, problems_), at, words);
  }

  static core::Spec update_spec() {
    std::vector<std::pair<std::string, core::Spec>> choices;
    for (const Update& word : Vocabulary::all().updates)
      choices.emplace_back(word.name, core::Spec::object(word.fields));
    return core::Spec::variant("kind", std::move(choices));
  }

  const Document& document_;
  Problems& problems_;
};

/// A limit that is re-warmed after merges needs one.
void check_rewarm(const Method& method, const Document& document, Problems& problems) {
  if (!method.clip_norm || !method.clip_norm->rewarm) return;
  const auto merges = [](const std::vector<EventWord>& events) {
    return std::ranges::any_of(events,
                               [](const EventWord& e) { return e.word->merges && e.word->merges(e.fields); });
  };
  if (merges(method.events) ||
      std::ranges::any_of(method.groups, [&](const Group& g) { return merges(g.events); }))
    return;
  problems.add(document, "/clip_norm/rewarm", "a limit re-warmed after merges",
               "an event \"merge\" in the method", "it would never happen");
}

/// Names become those of columns in records.
void check_names(const Json& groups, const Document& document, Problems& problems) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    names.push_back(groups[i].value("name", groups[i].at("parameters").get<std::string>()));
    if (!groups[i].contains("name")) continue;
    const std::string at = core::pointer_join("/groups", i) + "/name";
    if (names.back().find('/') != std::string::npos)
      problems.add(document, at, in_quotes(names.back()), "a name without \"/\"",
                   "it is part of a column's name, and \"/\" parts groups there");
    if (std::ranges::count(names, names.back()) > 1)
      problems.add(document, at, in_quotes(names.back()) + " a second time", "another name",
                   "a group before it is called so");
  }
}

}  // namespace

bool EventWord::due(std::int64_t step) const {
  return (every > 0 && step > 0 && step % every == 0) || std::ranges::find(at, step) != at.end();
}

std::optional<std::size_t> Method::group_of(const std::string& parameter) const {
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (matches(groups[i].parameters, parameter)) return i;
  return std::nullopt;
}

bool matches(const std::string& glob, const std::string& name) { return core::matches(glob, name); }

Method read_method(const Document& document, const Json& overrides) {
  Problems problems;
  const core::Constants constants(layered(document, overrides, problems));
  Json values = evaluated(document, constants, problems);
  Method method;
  method.resolved = resolved(document, constants, values, problems);
  problems.throw_if_any();
  method.resolved["constants"] = std::move(values);
  method.name = method.resolved.at("name").get<std::string>();
  if (method.resolved.contains("clip_norm")) method.clip_norm = read_clip(method.resolved.at("clip_norm"));
  Reader reader(document, problems);
  const Json& groups = method.resolved.at("groups");
  for (std::size_t i = 0; i < groups.size(); ++i)
    method.groups.push_back(reader.group(groups[i], core::pointer_join("/groups", i)));
  method.events = reader.events(method.resolved.at("events"), "/events");
  check_names(groups, document, problems);
  check_rewarm(method, document, problems);
  problems.throw_if_any();
  return method;
}

}  // namespace isorbit::experiments
