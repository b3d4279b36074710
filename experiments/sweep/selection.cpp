#include "experiments/sweep/selection.hpp"

#include <algorithm>

#include "core/document/problem.hpp"
#include "core/passes/name_glob.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::shown;

struct Term {
  std::string name;
  std::vector<std::string> values;  // one of them
};

std::string short_name(const std::string& name) { return name.substr(name.find('.') + 1); }

std::vector<std::string> names_of(const Sweep& sweep) {
  std::vector<std::string> names = {"arm", "seed", "id"};
  for (const Cell& cell : sweep.cells)
    for (const Assignment& a : cell.changed)
      for (const std::string& name : {short_name(a.name), a.name})
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

[[noreturn]] void refuse(const std::string& text, std::string found, std::string expected,
                         const std::optional<std::string>& near) {
  throw core::DocumentError({{"command line " + text,
                              {},
                              "",
                              std::move(found),
                              std::move(expected),
                              {},
                              near ? shown(Json(*near)) : ""}});
}

/// The text between commas, but for those within brackets.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    if (c == ',' && depth <= 0)
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

bool same_value(const Json& value, const std::string& text) {
  if (value_text(value) == text) return true;
  const Json other = Json::parse(text, nullptr, false);
  return value.is_number() && other.is_number() && value.get<double>() == other.get<double>();
}

bool holds(const std::string& name, const std::string& value, const Cell& cell) {
  if (name == "arm") return core::matches(value, cell.arm);
  if (name == "seed") return std::to_string(cell.seed) == value;
  if (name == "id") return !value.empty() && cell.id.starts_with(value);
  return std::any_of(cell.changed.begin(), cell.changed.end(), [&](const Assignment& a) {
    return (a.name == name || short_name(a.name) == name) && same_value(a.value, value);
  });
}

bool holds(const Term& term, const Cell& cell) {
  return std::ranges::any_of(term.values, [&](const auto& value) { return holds(term.name, value, cell); });
}

/// Every value that some cell has under a name, as it would be written.
std::vector<std::string> values_of(const Sweep& sweep, const std::string& name) {
  std::vector<std::string> values;
  const auto add = [&](const std::string& value) {
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  };
  for (const Cell& cell : sweep.cells) {
    if (name == "arm") add(cell.arm);
    if (name == "seed") add(std::to_string(cell.seed));
    if (name == "id") add(short_id(cell.id));
    for (const Assignment& a : cell.changed)
      if (a.name == name || short_name(a.name) == name) add(value_text(a.value));
  }
  return values;
}

void check_value(const std::string& text, const Sweep& sweep, const std::string& name,
                 const std::string& value) {
  if (std::ranges::any_of(sweep.cells, [&](const Cell& cell) { return holds(name, value, cell); })) return;
  const std::vector<std::string> values = values_of(sweep, name);
  refuse("--only " + text, name + " " + shown(Json(value)),
         core::expectation(core::Spec::text().one_of(values)), core::nearest(value, values));
}

std::vector<Term> parse(const std::string& text, const Sweep& sweep) {
  const std::vector<std::string> names = names_of(sweep);
  std::vector<Term> terms;
  for (const std::string& word : words_of(text)) {
    const std::size_t equals = std::min(word.find('='), word.find_first_of("{["));
    const bool has_name = equals != std::string::npos && word[equals] == '=';
    if (equals == 0 || (!has_name && terms.empty()))
      refuse("--only " + text, shown(Json(word)), "name=value", {});
    const std::string name = has_name ? word.substr(0, equals) : terms.back().name;
    const std::string value = has_name ? word.substr(equals + 1) : word;
    if (std::find(names.begin(), names.end(), name) == names.end())
      refuse("--only " + text, "name " + shown(Json(name)),
             core::expectation(core::Spec::text().one_of(names)), core::nearest(name, names));
    check_value(text, sweep, name, value);
    auto term = std::ranges::find(terms, name, &Term::name);
    if (term == terms.end()) term = terms.insert(term, Term{name, {}});
    term->values.push_back(value);
  }
  return terms;
}

}  // namespace

std::vector<Cell> select(const Sweep& sweep, const Selection& selection) {
  std::vector<std::vector<Term>> alternatives;
  for (const std::string& text : selection.only) alternatives.push_back(parse(text, sweep));
  std::vector<Cell> out;
  for (const Cell& cell : sweep.cells) {
    if (selection.limit && out.size() >= *selection.limit) break;
    if (selection.seed && cell.seed != *selection.seed) continue;
    const auto all_hold = [&](const std::vector<Term>& terms) {
      return std::all_of(terms.begin(), terms.end(), [&](const Term& term) { return holds(term, cell); });
    };
    if (alternatives.empty() || std::any_of(alternatives.begin(), alternatives.end(), all_hold))
      out.push_back(cell);
  }
  if (out.empty() && !alternatives.empty())
    refuse("--only " + selection.only.front(), "no cell", "names and values that some cell has together", {});
  if (out.empty() && selection.seed)
    refuse("--seed " + std::to_string(*selection.seed), "no cell", "a seed that some cell has", {});
  return out;
}

void check_sources(std::span<const Cell> selected, const std::function<bool(const Cell&)>& has_source) {
  core::Problems problems;
  for (const Cell& cell : selected) {
    if (has_source(cell)) continue;
    const auto is_source = [&](const Cell& other) { return other.id == cell.from->id; };
    if (std::any_of(selected.begin(), selected.end(), is_source)) continue;
    problems.add({"command line",
                  {},
                  "",
                  cell.arm + " " + short_id(cell.id) + " without " + cell.from->text(),
                  "a cell together with the one it starts from, or that one complete",
                  {},
                  "--only id=" + short_id(cell.from->id)});
  }
  problems.throw_if_any();
}

}  // namespace isorbit::experiments
