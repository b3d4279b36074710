#include "experiments/sweep/overrides.hpp"

#include <algorithm>
#include <optional>

#include "core/document/json_cursor.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;

constexpr std::size_t kDeepest = 64;  // levels, as of any document

std::vector<std::string> split(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == '.') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool member(const Json& value, const std::string& key) {
  return value.is_object() && value.contains(key) && value.at(key).is_object();
}

/// Forgets every list for `name`, so that what the command line says stands alone.
void drop_axis(Json& sweep, const std::string& name) {
  if (member(sweep, "parameters")) sweep["parameters"].erase(name);
  if (sweep.contains("zip") && sweep["zip"].is_array()) {
    for (Json& zipped : sweep["zip"])
      if (zipped.is_object()) zipped.erase(name);
    Json kept = Json::array();
    for (const Json& zipped : sweep["zip"])
      if (!zipped.is_object() || !zipped.empty()) kept.push_back(zipped);
    sweep["zip"] = kept;
  }
  if (!name.starts_with("method.") || !member(sweep, "arms")) return;
  for (auto& [arm, fields] : sweep["arms"].items())
    if (member(fields, "tune")) fields["tune"].erase(name.substr(7));
}

std::size_t levels(const Json& value) {
  if (!value.is_structured()) return 0;
  std::size_t inner = 0;
  for (const Json& member : value) inner = std::max(inner, levels(member));
  return inner + 1;
}

class Writer {
 public:
  Writer(Json& sweep, const std::string& text, core::Problems& problems)
      : sweep_(sweep), text_(text), problems_(problems) {}

  std::optional<Override> write() {
    if (!core::is_utf8(text_)) return refuse("", core::shown(Json(text_)), "UTF-8 text");
    const std::size_t equals = text_.find('=');
    if (equals == std::string::npos || equals == 0) {
      const bool removal = text_.size() > 1 && text_[0] == '~';
      return refuse("", core::shown(Json(text_)), "name=value", "", removal ? text_.substr(1) + "=null" : "");
    }
    if (text_[0] == '+' || text_[0] == '~')
      return refuse("", core::shown(Json(text_.substr(0, equals))), "a name",
                    "= sets what is there and what is not", text_.substr(text_.find_first_not_of("+~")));
    const std::vector<std::string> path = split(std::string_view(text_).substr(0, equals));
    values_ = split_values(std::string_view(text_).substr(equals + 1));
    if (std::any_of(path.begin(), path.end(), [](const std::string& word) { return word.empty(); }))
      return refuse("", core::shown(Json(text_.substr(0, equals))), "words with single dots between them");
    if (!sweep_.is_object()) return {};
    return place(path);
  }

 private:
  std::optional<Override> refuse(std::string pointer, std::string found, std::string expected,
                                 std::string because = {}, std::string suggestion = {}) {
    problems_.add({"command line " + (core::is_utf8(text_) ? text_ : core::shown(Json(text_))),
                   {},
                   std::move(pointer),
                   std::move(found),
                   std::move(expected),
                   std::move(because),
                   std::move(suggestion)});
    return {};
  }

  std::optional<Override> place(const std::vector<std::string>& path) {
    const std::string name = path.size() > 1 ? path[0] + "." + path[1] : path[0];
    if (path.size() == 2) {
      if (path[0] == "method") return axis(name);
      if (path[0] == "model" && path[1] == "file") return set(path);
      if (path[0] == "model" || path[0] == "training" || path[0] == "data") {
        if (values_.size() > 1) return axis(name);
        drop_axis(sweep_, name);
        return path[0] != "model" || path[1] == "size" ? set(path) : set({"model", "constants", path[1]});
      }
    }
    if (path.size() == 1 && path[0] == "seeds") return set(path, list());
    if (path[0] == "arms" && path.size() > 1) return in_arm(path);
    return set(path);
  }

  std::optional<Override> in_arm(const std::vector<std::string>& path) {
    if (!member(sweep_, "arms") || sweep_["arms"].empty()) return {};  // the document is at fault here
    std::vector<std::string> arms;
    for (const auto& [arm, fields] : sweep_["arms"].items()) arms.push_back(arm);
    if (std::find(arms.begin(), arms.end(), path[1]) == arms.end()) {
      const auto near = core::nearest(path[1], arms);
      return refuse("/arms/" + path[1], "arm " + core::shown(Json(path[1])),
                    core::expectation(core::Spec::text().one_of(arms)), {},
                    near ? core::shown(Json(*near)) : "");
    }
    if (path.size() == 4 && path[2] == "tune") return set(path, list());
    if (path.size() == 4 && path[2] == "set") {
      if (values_.size() > 1) return set({"arms", path[1], "tune", path[3]}, list());
      Json& arm = sweep_["arms"][path[1]];
      if (member(arm, "tune")) arm["tune"].erase(path[3]);
    }
    return set(path);
  }

  std::optional<Override> axis(const std::string& name) {
    drop_axis(sweep_, name);
    return set({"parameters", name}, list());
  }

  std::optional<Override> set(const std::vector<std::string>& path) {
    if (values_.size() == 1) return set(path, values_.front());
    std::string pointer;
    for (const std::string& word : path) pointer = pointer_join(pointer, word);
    const std::size_t equals = text_.find('=');
    return refuse(pointer, std::to_string(values_.size()) + " values", "one value",
                  "a comma stands between values; a text that has one is quoted",
                  "'" + text_.substr(0, equals) + "=" + core::shown(Json(text_.substr(equals + 1))) + "'");
  }

  /// Sets the value at a path. The pointer kept is that of the first member it had to make, or of the value.
  std::optional<Override> set(const std::vector<std::string>& path, const Json& value) {
    if (path.size() + levels(value) > kDeepest)
      return refuse("", "a value nested deeper than 64 levels", "at most 64 levels");
    Json* here = &sweep_;
    std::string pointer, first_made;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (!here->is_object()) return {};  // the document is at fault here, and says so itself
      pointer = pointer_join(pointer, path[i]);
      if (!here->contains(path[i])) {
        if (first_made.empty() && path[0] != "parameters") first_made = pointer;
        (*here)[path[i]] = Json::object();
      }
      here = &(*here)[path[i]];
    }
    *here = value;
    return Override{text_, first_made.empty() ? pointer : first_made};
  }

  Json list() const {
    if (values_.size() == 1 && values_.front().is_array()) return values_.front();
    return Json(values_);
  }

  Json& sweep_;
  const std::string& text_;
  core::Problems& problems_;
  std::vector<Json> values_;
};

/// The seed as one more of a sweep document's; nothing where it has it, or its seeds are no list.
std::optional<Override> add_seed(Json& sweep, std::int64_t seed) {
  if (!sweep.is_object()) return {};
  const core::Spec spec = sweep_spec();
  const std::vector<core::Field>& fields = spec.description().fields;
  Json seeds = sweep.value("seeds", *std::ranges::find(fields, "seeds", &core::Field::name)->fallback);
  if (!seeds.is_array() || std::ranges::find(seeds, Json(seed)) != seeds.end()) return {};
  seeds.push_back(seed);
  sweep["seeds"] = seeds;
  return Override{"--seed " + std::to_string(seed), pointer_join("/seeds", seeds.size() - 1)};
}

bool covers(const std::string& outer, const std::string& inner) {
  return inner == outer || (inner.starts_with(outer) && inner[outer.size()] == '/');
}

}  // namespace

std::vector<Json> split_values(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (!quoted) depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (c == ',' && !quoted && depth <= 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  std::vector<Json> values;
  for (const std::string& part : parts) {
    try {
      values.push_back(core::parse_document(part, "").root);
    } catch (const core::DocumentError&) {
      values.emplace_back(part);
    }
  }
  return values;
}

std::vector<Override> apply_overrides(Json& sweep, std::span<const std::string> texts,
                                      core::Problems& problems) {
  std::vector<Override> written;
  for (const std::string& text : texts)
    if (auto override = Writer(sweep, text, problems).write()) written.push_back(std::move(*override));
  return written;
}

std::vector<Override> apply_overrides(Json& sweep, const SweepRequest& request, core::Problems& problems) {
  std::vector<Override> written = apply_overrides(sweep, request.overrides, problems);
  if (request.seed)
    if (auto seed = add_seed(sweep, *request.seed)) written.push_back(std::move(*seed));
  return written;
}

std::vector<core::Problem> relabelled(std::span<const core::Problem> problems, std::string_view file,
                                      std::span<const Override> overrides) {
  std::vector<core::Problem> out(problems.begin(), problems.end());
  for (core::Problem& problem : out) {
    if (problem.file != file) continue;
    for (const Override& override : overrides) {
      if (!covers(override.pointer, problem.pointer)) continue;
      problem.file = "command line " + override.text;
      problem.position = {};
    }
  }
  return out;
}

}  // namespace isorbit::experiments
