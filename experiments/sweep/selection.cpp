#include "experiments/sweep/selection.hpp"

#include <algorithm>

#include "core/document/problem.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::shown;

struct Term {
  std::string name, value;
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
  throw core::DocumentError({{"command line --only " + text,
                              {},
                              "",
                              std::move(found),
                              std::move(expected),
                              {},
                              near ? shown(Json(*near)) : ""}});
}

std::vector<Term> parse(const std::string& text, const Sweep& sweep) {
  const std::vector<std::string> names = names_of(sweep);
  std::vector<Term> terms;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    const std::string word = text.substr(start, comma - start);
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) refuse(text, shown(Json(word)), "name=value", {});
    const Term term{word.substr(0, equals), word.substr(equals + 1)};
    if (std::find(names.begin(), names.end(), term.name) == names.end())
      refuse(text, "name " + shown(Json(term.name)), core::expectation(core::Spec::text().one_of(names)),
             core::nearest(term.name, names));
    std::vector<std::string> arms;
    for (const Cell& cell : sweep.cells)
      if (std::find(arms.begin(), arms.end(), cell.arm) == arms.end()) arms.push_back(cell.arm);
    if (term.name == "arm" && std::find(arms.begin(), arms.end(), term.value) == arms.end())
      refuse(text, "arm " + shown(Json(term.value)), core::expectation(core::Spec::text().one_of(arms)),
             core::nearest(term.value, arms));
    terms.push_back(term);
    start = comma + 1;
  }
  return terms;
}

bool same_value(const Json& value, const std::string& text) {
  if (value_text(value) == text) return true;
  const Json other = Json::parse(text, nullptr, false);
  return value.is_number() && other.is_number() && value.get<double>() == other.get<double>();
}

bool holds(const Term& term, const Cell& cell) {
  if (term.name == "arm") return cell.arm == term.value;
  if (term.name == "seed") return std::to_string(cell.seed) == term.value;
  if (term.name == "id") return !term.value.empty() && cell.id.starts_with(term.value);
  return std::any_of(cell.changed.begin(), cell.changed.end(), [&](const Assignment& a) {
    return (a.name == term.name || short_name(a.name) == term.name) && same_value(a.value, term.value);
  });
}

}  // namespace

std::vector<Cell> select(const Sweep& sweep, const Selection& selection) {
  std::vector<std::vector<Term>> alternatives;
  for (const std::string& text : selection.only) alternatives.push_back(parse(text, sweep));
  std::vector<Cell> out;
  for (const Cell& cell : sweep.cells) {
    if (selection.limit && out.size() >= *selection.limit) break;
    const auto all_hold = [&](const std::vector<Term>& terms) {
      return std::all_of(terms.begin(), terms.end(), [&](const Term& term) { return holds(term, cell); });
    };
    if (alternatives.empty() || std::any_of(alternatives.begin(), alternatives.end(), all_hold))
      out.push_back(cell);
  }
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
