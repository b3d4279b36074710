#include "experiments/sweep/selection.hpp"

#include <algorithm>

#include "core/document/problem.hpp"
#include "core/passes/name_glob.hpp"
#include "experiments/sweep/rows.hpp"

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
  for (const RowOfCell& row : rows_of(sweep.cells))
    for (const Assignment& a : *row.changed)
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

bool holds(const std::string& name, const std::string& value, const RowOfCell& row) {
  if (name == "arm") return core::matches(value, *row.arm);
  if (name == "seed") return std::to_string(row.cell->seed) == value;
  if (name == "id") return !value.empty() && row.cell->id.starts_with(value);
  return std::any_of(row.changed->begin(), row.changed->end(), [&](const Assignment& a) {
    return (a.name == name || short_name(a.name) == name) && same_value(a.value, value);
  });
}

bool holds(const Term& term, const RowOfCell& row) {
  return std::ranges::any_of(term.values, [&](const auto& value) { return holds(term.name, value, row); });
}

/// Every value that some cell has under a name, as it would be written.
std::vector<std::string> values_of(const Sweep& sweep, const std::string& name) {
  std::vector<std::string> values;
  const auto add = [&](const std::string& value) {
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  };
  for (const RowOfCell& row : rows_of(sweep.cells)) {
    if (name == "arm") add(*row.arm);
    if (name == "seed") add(std::to_string(row.cell->seed));
    if (name == "id") add(short_id(row.cell->id));
    for (const Assignment& a : *row.changed)
      if (a.name == name || short_name(a.name) == name) add(value_text(a.value));
  }
  return values;
}

void check_value(const std::string& text, const Sweep& sweep, const std::string& name,
                 const std::string& value) {
  if (std::ranges::any_of(rows_of(sweep.cells),
                          [&](const RowOfCell& row) { return holds(name, value, row); }))
    return;
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

namespace {

/// The cell with those of its rows for which `wanted` is true; its folder stays. Nothing: there are none.
template <class Wanted>
std::optional<Cell> with_rows(const Cell& cell, const Wanted& wanted) {
  std::optional<Cell> out;
  for (const RowOfCell& row : rows_of({&cell, 1})) {
    if (!wanted(row)) continue;
    if (out) {
      out->also.push_back({*row.arm, *row.changed, row.place});
      continue;
    }
    out = cell;
    out->arm = *row.arm;
    out->changed = *row.changed;
    out->place = row.place;
    out->also.clear();
  }
  return out;
}

}  // namespace

std::vector<Cell> select(const Sweep& sweep, const Selection& selection) {
  std::vector<std::vector<Term>> alternatives;
  for (const std::string& text : selection.only) alternatives.push_back(parse(text, sweep));
  std::vector<Cell> out;
  for (const Cell& cell : sweep.cells) {
    if (selection.limit && out.size() >= *selection.limit) break;
    if (selection.seed && cell.seed != *selection.seed) continue;
    const auto wanted = [&](const RowOfCell& row) {
      return alternatives.empty() || std::ranges::any_of(alternatives, [&](const std::vector<Term>& terms) {
               return std::ranges::all_of(terms, [&](const Term& term) { return holds(term, row); });
             });
    };
    if (std::optional<Cell> some = with_rows(cell, wanted)) out.push_back(std::move(*some));
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
