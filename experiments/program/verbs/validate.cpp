#include <algorithm>
#include <ostream>

#include "core/passes/passes.hpp"
#include "core/passes/summary.hpp"
#include "experiments/method.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/differences.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/training/foreign_table.hpp"

namespace isorbit::experiments::verb {
namespace {

enum class Kind { sweep, model, method };

/// By its keys: a document is of the kind it has most keys of.
Kind kind_of(const core::Document& document) {
  const std::vector<std::pair<Kind, core::Spec>> kinds = {{Kind::sweep, sweep_spec()},
                                                          {Kind::model, core::model_spec(every_op())},
                                                          {Kind::method, method_spec()}};
  std::size_t most = 0;
  Kind best = Kind::sweep;
  for (const auto& [kind, spec] : kinds) {
    std::size_t shared = 0;
    for (const core::Field& field : spec.description().fields)
      if (document.root.is_object() && field.name != "name" && field.name != "doc" &&
          field.name != "constants" && document.root.contains(field.name))
        ++shared;
    if (shared > most) most = shared, best = kind;
  }
  if (most > 0) return best;
  core::Problems problems;
  problems.add(document, "",
               document.root.is_object() ? "an object with none of these keys" : core::shown(document.root),
               "a sweep (\"arms\"), a model (\"nodes\") or a method (\"groups\")");
  problems.throw_if_any();
  return best;
}

/// The document as it stands and in each of its sizes; what several of them have wrong is said once.
std::string check_model(const core::Document& document) {
  std::vector<std::string> sizes = {""};
  const core::Json& root = document.root;
  if (root.is_object() && root.contains("sizes") && root.at("sizes").is_object())
    for (const auto& [size, constants] : root.at("sizes").items()) sizes.push_back(size);
  std::string text;
  std::vector<core::Problem> problems;
  for (const std::string& size : sizes) {
    try {
      const core::Model model = core::read_model(document, every_op(), size);
      for (const std::string& program : foreign_programs(document))
        (void)read_foreign_table(document, model, program);
      text += document.file + ": model " + model.name + (size.empty() ? "" : ", size " + size) + ", " +
              std::to_string(core::summarize(model.graph).parameters) + " parameters\n";
    } catch (const core::DocumentError& error) {
      for (core::Problem problem : error.problems()) {
        const auto same = [&](const core::Problem& other) {
          return other.pointer == problem.pointer && other.expected == problem.expected;
        };
        if (std::any_of(problems.begin(), problems.end(), same)) continue;
        if (!size.empty()) problem.because += (problem.because.empty() ? "in size " : ", in size ") + size;
        problems.push_back(std::move(problem));
      }
    }
  }
  if (!problems.empty()) throw core::DocumentError(std::move(problems));
  return text;
}

}  // namespace

int validate(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "validate FILE [name=value ...] [options]",
      "Checks a sweep with everything it names, a model in every size, or a method. Silent when all is\n"
      "right; else every problem, one a line, and exit code 2.");
  add_sweep_options(line);
  line.option("verbose,v", "", "say what was checked, and of a sweep what else differs between its arms");
  if (!line.parse(console, arguments)) return 0;
  const std::string file = line.first("document");
  const core::Document document = core::read_document(file);
  std::string checked;
  switch (kind_of(document)) {
    case Kind::sweep: {
      SweepRequest request = sweep_request_from(line);
      request.document = document;
      const Sweep sweep = read_sweep(request);
      checked = file + ": sweep " + sweep.name + ", " + std::to_string(sweep.cells.size()) + " cells, " +
                std::to_string(sweep.dropped.size()) + " dropped\n";
      if (line.has("verbose")) checked += differences_text(differences_between_arms(sweep.cells));
      break;
    }
    case Kind::model:
      line.at_most(1);
      checked = check_model(document);
      break;
    case Kind::method: {
      line.at_most(1);
      const Method method = read_method(document);
      checked = file + ": method " + method.name + ", " + std::to_string(method.groups.size()) + " groups\n";
      break;
    }
  }
  if (line.has("verbose")) console.out << checked;
  return 0;
}

}  // namespace isorbit::experiments::verb
