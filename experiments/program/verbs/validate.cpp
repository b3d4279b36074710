#include <algorithm>
#include <ostream>
#include <set>

#include "core/passes/passes.hpp"
#include "core/passes/summary.hpp"
#include "experiments/method_idle.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/program/warnings.hpp"
#include "experiments/sweep/differences.hpp"
#include "experiments/sweep/document_kind.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/training/foreign_table.hpp"

namespace isorbit::experiments::verb {
namespace {

/// The kind of a document that has one.
DocumentKind kind_or_refusal(const core::Document& document) {
  if (const auto kind = kind_of(document)) return *kind;
  core::Problems problems;
  problems.add(document, "",
               document.root.is_object() ? "an object with none of these keys" : core::shown(document.root),
               "a sweep (\"arms\"), a model (\"nodes\") or a method (\"groups\")");
  problems.throw_if_any();
  return {};
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

/// What does nothing in any run.
std::vector<core::Problem> warnings_of(const Method& method, const core::Document& document) {
  std::set<std::size_t> all;
  for (std::size_t g = 0; g < method.groups.size(); ++g) all.insert(g);
  core::Problems found;
  find_idle(method, all, RunFacts::kEndless, document, found);
  return taken(found);
}

}  // namespace

int validate(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "validate FILE [name=value ...] [options]",
      "Checks a sweep with everything it names, a model in every size, or a method. Silent when all is\n"
      "right; else every problem, one a line, and exit code 2. What is no error and yet does nothing in a\n"
      "run is a line that begins with \"warning:\".");
  add_sweep_options(line);
  add_strict_option(line);
  line.option("verbose,v", "", "say what was checked, and of a sweep what else differs between its arms");
  if (!line.parse(console, arguments)) return 0;
  const std::string file = line.first("document");
  const core::Document document = core::read_document(file);
  std::string checked;
  switch (kind_or_refusal(document)) {
    case DocumentKind::sweep: {
      SweepRequest request = sweep_request_from(line);
      request.document = document;
      const Sweep sweep = read_sweep(request);
      say_warnings(console, line, sweep);
      checked = file + ": sweep " + sweep.name + ", " + std::to_string(sweep.cells.size()) + " cells, " +
                std::to_string(sweep.dropped.size()) + " dropped\n";
      if (line.has("verbose")) checked += differences_text(differences_between_arms(sweep.cells));
      break;
    }
    case DocumentKind::model:
      line.at_most(1);
      checked = check_model(document);
      break;
    case DocumentKind::method: {
      line.at_most(1);
      const Method method = read_method(document);
      say_warnings(console, line, warnings_of(method, document));
      checked = file + ": method " + method.name + ", " + std::to_string(method.groups.size()) + " groups\n";
      break;
    }
  }
  if (line.has("verbose")) console.out << checked;
  return 0;
}

}  // namespace isorbit::experiments::verb
