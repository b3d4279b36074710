#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "analysis/certificate.hpp"
#include "core/document/json_line.hpp"
#include "core/document/printable.hpp"
#include "core/passes/passes.hpp"
#include "experiments/method_idle.hpp"
#include "experiments/program/record_arguments.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments::verb {
namespace {

using analysis::Certificate;
using analysis::Verdict;
using core::Json;

struct Record {
  std::string name;
  std::filesystem::path file;
  std::string cell_id;  // whose it must be; empty: any
};

/// Those of a sweep's complete cells, or one.
std::vector<Record> records_in(const CommandLine& line, const Results* sweep) {
  const std::filesystem::path path = line.first("run, or folder of a cell or sweep");
  std::error_code error;
  std::vector<Record> out;
  if (sweep == nullptr) {
    const bool is_file = std::filesystem::is_regular_file(path, error);
    const std::filesystem::path run = is_file ? path : Recorder::run_path(cell_folder(path));
    if (!std::filesystem::exists(run, error))
      throw std::runtime_error(path.string() + ": the cell is not finished; its record is sealed at its end");
    return {{path.string(), run, cell_of_folder(run.parent_path())}};
  }
  for (const Cell& cell : sweep->sweep.cells) {
    const std::filesystem::path run = Recorder::run_path(locate(sweep->folder, cell));
    if (std::filesystem::exists(run)) out.push_back({cell.folder.string(), run, cell.id});
  }
  if (out.empty()) throw std::runtime_error(path.string() + ": no cell of this sweep is complete");
  return out;
}

/// A number in three digits; "-" where there is none.
std::string short_number(double value) {
  if (std::isnan(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// What the method in the record says; nothing where this program cannot read it.
std::optional<analysis::Declared> declared_by(const core::RunRecord& record) {
  try {
    const Json document = Json::parse(record.config);
    const Method method = read_method({"method", document.at("method"), {}});
    const core::Model model = core::read_model({"model", document.at("model"), {}}, every_op());
    analysis::Declared declared;
    const auto add = [&](const std::vector<EventWord>& events) {
      for (const EventWord& event : events)
        if (std::ranges::find(declared.events, event.word->name) == declared.events.end())
          declared.events.push_back(event.word->name);
    };
    for (const std::size_t group : groups_used(method, model)) add(method.groups[group].events);
    add(method.events);
    for (const core::Parameter& p : model.graph.parameters) {
      const std::string& name = model.graph.value(p.value).name;
      const auto group = method.group_of(name);
      if (group && !method.groups[*group].update.empty()) declared.trained.push_back(name);
    }
    return declared;
  } catch (const core::DocumentError&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string text_of(const std::string& name, const Certificate& certificate) {
  std::string out = core::printable(name) + ": " + analysis::name_of(certificate.verdict) + "\n";
  for (const std::string& event : certificate.never)
    out +=
        "nothing happened: the method has the event \"" + core::printable(event) + "\", and the run none\n";
  if (!certificate.weights.empty()) {
    TextTable table({"weight", "bound before", "merges", "worst move", "its bound", "at step", "drift",
                     "at step", "verdict", ""});
    for (const analysis::WeightCertificate& w : certificate.weights)
      table.add({w.weight, short_number(w.bound_before), std::to_string(w.merges), short_number(w.defect),
                 short_number(w.bound), std::to_string(w.defect_step), short_number(w.drift),
                 std::isnan(w.drift) ? "-" : std::to_string(w.drift_step), analysis::name_of(w.verdict),
                 w.reason});
    out += "\n" + table.text();
    out += "drift: largest move of a singular value over the run, relative to the largest; at most " +
           short_number(certificate.tolerance) + " is kept\n";
  }
  if (!certificate.rescales.empty()) {
    TextTable table({"rescale at step", "tensors", "logits moved", "tolerance", "ulp", "verdict"});
    for (const analysis::RescaleCertificate& r : certificate.rescales)
      table.add({std::to_string(r.step), std::to_string(r.weights), short_number(r.defect),
                 short_number(r.tolerance), short_number(r.ulp), analysis::name_of(r.verdict)});
    out += "\n" + table.text();
  }
  if (certificate.free_weights > 0)
    out += std::to_string(certificate.free_weights) +
           " matrices are trained freely: nothing is claimed of them\n";
  return out;
}

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

Json json_of(const std::string& name, const Certificate& certificate) {
  Json out = {{"run", name},
              {"verdict", analysis::name_of(certificate.verdict)},
              {"tolerance", certificate.tolerance},
              {"free_weights", certificate.free_weights},
              {"never_happened", certificate.never},
              {"weights", Json::array()},
              {"rescales", Json::array()}};
  for (const analysis::WeightCertificate& w : certificate.weights)
    out["weights"].push_back({{"weight", w.weight},
                              {"verdict", analysis::name_of(w.verdict)},
                              {"reason", w.reason},
                              {"bound_before", number(w.bound_before)},
                              {"merges", w.merges},
                              {"defect", number(w.defect)},
                              {"bound", number(w.bound)},
                              {"defect_step", w.defect_step},
                              {"explained", number(w.explained)},
                              {"drift", number(w.drift)},
                              {"drift_step", w.drift_step},
                              {"snapshots", w.snapshots}});
  for (const analysis::RescaleCertificate& r : certificate.rescales)
    out["rescales"].push_back({{"step", r.step},
                               {"tensors", r.weights},
                               {"defect", number(r.defect)},
                               {"tolerance", number(r.tolerance)},
                               {"ulp", number(r.ulp)},
                               {"verdict", analysis::name_of(r.verdict)}});
  return out;
}

double tolerance_from(const CommandLine& line) {
  const std::optional<std::string> given = line.text("tolerance");
  if (!given) return analysis::kDriftTolerance;
  double value = 0;
  const char* end = given->data() + given->size();
  const auto [stopped, error] = std::from_chars(given->data(), end, value);
  if (error != std::errc() || stopped != end || !(value > 0))
    throw UsageError("found --tolerance \"" + *given + "\"; expected a number above 0");
  return value;
}

}  // namespace

int certify(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "certify RUN|DIR [options]",
      "Whether runs kept what their methods claim, from their records: for every weight that is to keep\n"
      "its singular values the bound before training, the worst move of a merge against its bound, the\n"
      "drift over the whole run, and a verdict; for every rescale what the logits moved. Verdicts, the "
      "worst\n"
      "first: broken; dead: never moved, of a weight that is trained; nothing happened, where an event of\n"
      "the method never did; not measured; kept; nothing to keep. RUN is a cell's folder or its run.h5, DIR\n"
      "that of a sweep. Exit code 3 when something is broken or dead, or nothing happened, else 1 when a\n"
      "record cannot be judged: damaged, or another cell's.");
  line.option("tolerance", "X",
              "largest drift that counts as kept, relative to the largest singular value; 0.01")
      .option("json", "", "an object a line, one for each run");
  add_seal_option(line);
  add_all_option(line);
  if (!line.parse(console, arguments)) return 0;
  const double tolerance = tolerance_from(line);
  line.at_most(1);
  std::optional<Results> sweep;
  if (std::filesystem::exists(manifest_path(line.first("run, or folder of a cell or sweep"))))
    sweep = results_from(line);
  bool no = false, unread = false, first = true;
  for (const Record& record : records_in(line, sweep ? &*sweep : nullptr)) {
    try {
      const core::RunRecord run = read_record(console, line, record.file, record.cell_id);
      const Certificate certificate = analysis::certify(run, tolerance, declared_by(run));
      no = no || certificate.verdict >= Verdict::idle;
      if (line.has("json"))
        console.out << core::json_line(json_of(record.name, certificate));
      else
        console.out << (first ? "" : "\n") << text_of(record.name, certificate);
      first = false;
    } catch (const std::exception& error) {
      if (!sweep) throw;
      unread = true;
      console.err << "isorbit: " << record.name << " is not judged: " << error.what() << "\n";
    }
  }
  if (sweep) console.err << earlier_text(sweep->folder, sweep->earlier);
  return no ? 3 : unread ? 1 : 0;
}

}  // namespace isorbit::experiments::verb
