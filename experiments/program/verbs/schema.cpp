#include <ostream>

#include "core/document/spec.hpp"
#include "core/passes/passes.hpp"
#include "experiments/method.hpp"
#include "experiments/program/command_line.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments::verb {
namespace {

core::Spec spec_of(const std::string& kind) {
  if (kind == "sweep") return sweep_spec();
  if (kind == "model") return core::model_spec(every_op());
  return method_spec();
}

}  // namespace

int schema(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line("schema sweep|model|method [options]",
                   "JSON Schema (2020-12) of a document, for completion in editors: name it in \"$schema\".");
  line.option("text", "", "lines for people instead: name, range, default, help");
  if (!line.parse(console, arguments)) return 0;
  const std::vector<std::string> kinds = {"sweep", "model", "method"};
  const std::string kind = line.first("kind of document: sweep, model or method");
  line.at_most(1);
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    const auto near = core::nearest(kind, kinds);
    throw UsageError("found \"" + kind + "\"; expected one of sweep, model, method" +
                     (near ? "; did you mean " + *near + "?" : ""));
  }
  if (line.has("text"))
    console.out << core::help_text(spec_of(kind));
  else
    console.out << core::json_schema(spec_of(kind), kind).dump(2) << "\n";
  return 0;
}

}  // namespace isorbit::experiments::verb
