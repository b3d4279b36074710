#include "experiments/replay/replay.hpp"

#include <cstdio>
#include <ostream>

#include "core/document/json_line.hpp"
#include "experiments/distributed/lead.hpp"
#include "experiments/program/interrupts.hpp"
#include "experiments/program/ranks.hpp"
#include "experiments/program/record_arguments.hpp"
#include "experiments/program/sweep_arguments.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {
namespace {

using core::Json;

constexpr std::size_t kMost = 3;  // tensors that are named

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

std::string settings_text(const Replay& replay) {
  TextTable table({"setting", "recorded", "here", ""});
  for (const Setting& s : replay.environment())
    table.add({s.name, s.recorded, s.here, s.differs() ? "differs" : ""});
  return table.text();
}

/// What differs first, and in what.
std::string parting_text(const Replay& replay, const ReplayReport& report) {
  const std::vector<Disagreement>& all = report.disagreements;
  std::string text = "the first difference is at step " + std::to_string(report.first) + " of " +
                     std::to_string(replay.steps()) + "\n";
  for (std::size_t i = 0; i < std::min(kMost, all.size()); ++i)
    text += "  " + all[i].what + ": recorded " + all[i].recorded + ", here " + all[i].here + "\n";
  if (all.size() > kMost) text += "  and " + std::to_string(all.size() - kMost) + " more tensors\n";
  if (all.size() == 1 && all.front().what == "link")
    text += "  its loss and every tensor agree: the record was changed\n";
  return text;
}

std::string extent_text(const Replay& replay, const ReplayReport& report) {
  const std::string all = std::to_string(replay.steps());
  return report.same == replay.steps() ? all + " steps"
                                       : std::to_string(report.same) + " of " + all + " steps";
}

std::string same_text(const Replay& replay, const ReplayReport& report) {
  return "same to the last bit: " + extent_text(replay, report) + ", " +
         std::to_string(replay.tensors().size()) + " tensors\n" +
         (report.left_out.empty() ? "" : "not compared: " + report.left_out + "\n");
}

/// The report of a replay elsewhere: where the bits part and by how much, and last that it is elsewhere.
std::string elsewhere_text(const Replay& replay, const ReplayReport& report, const std::string& command) {
  std::string text;
  if (report.disagreements.empty()) {
    text = same_text(replay, report);
  } else {
    text = parting_text(replay, report);
    if (report.most > 0)
      text += "losses part by " + short_number(report.gap) + " at first and by " + short_number(report.most) +
              " at most (step " + std::to_string(report.most_step) + "), relative, over " +
              std::to_string(report.compared) + " steps\n";
  }
  if (const auto better = remedy(replay.environment(), command))
    text += "as it was recorded: " + *better + "\n";
  return text + "environment differs: " + differences_text(replay.environment()) + "\n";
}

Json json_of(const std::string& name, const Replay& replay, const ReplayReport& report) {
  Json out = {{"run", name}, {"steps", replay.steps()}, {"compared", report.compared}, {"same", report.same}};
  out["environment"] = Json::object();
  for (const Setting& s : replay.environment())
    if (s.differs()) out["environment"][s.name] = {{"recorded", s.recorded}, {"here", s.here}};
  out["first"] = report.disagreements.empty() ? Json() : Json(report.first);
  out["differences"] = Json::array();
  for (const Disagreement& d : report.disagreements)
    out["differences"].push_back({{"what", d.what}, {"recorded", d.recorded}, {"here", d.here}});
  out["loss_gap"] = report.most;
  if (!report.left_out.empty()) out["left_out"] = report.left_out;
  return out;
}

/// The command as it was given, without --threads.
std::string command_of(const CommandLine& line, const std::string& file) {
  std::string command = "isorbit replay " + file + " --verify";
  for (const char* option : {"until", "data", "weights"})
    if (const auto value = line.text(option)) command += " --" + std::string(option) + " " + *value;
  return command;
}

Replay prepared(const ReplayRequest& request) {
  try {
    return Replay(request);
  } catch (const ReplayError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

int replay(Console& console, const std::vector<std::string>& arguments) {
  const std::unique_ptr<Communicator> ranks = ranks_to_lead();
  if (!ranks) return 0;
  const Leader leader(*ranks);
  CommandLine line(
      "replay RUN.h5 [--verify] [options]",
      "Computes a run again from its record alone, in a temporary folder, and compares losses and every\n"
      "stored tensor step by step. Without --verify it only says whether it can be done here, and what was\n"
      "different where the run was made. Exit code 3 when the bits differ although nothing else does.");
  line.option("verify", "", "train and compare; stops at the first difference")
      .option("until", "STEP", "no further than this step")
      .option("threads", "N", "with so many threads in place of the recorded ones")
      .option(
          "data", "DIR",
          "where the corpora are, each a folder with train.txt and valid.txt; else $ISORBIT_DATA, else data")
      .option("weights", "FILE", "the weights it starts from, where its document has \"from\"")
      .option("json", "", "the result as an object");
  add_seal_option(line);
  if (!line.parse(console, arguments)) return 0;
  ReplayRequest request;
  request.file = line.first("run.h5");
  line.at_most(1);
  request.data_dir = data_dir_from(line);
  request.weights = line.text("weights").value_or("");
  if (const auto threads = line.integer("threads", 1)) request.threads = static_cast<int>(*threads);
  request.until = line.integer("until", 1);
  request.ranks = ranks->size();
  request.run = [&](const CellRequest& cell) { return leader.run(cell); };
  if (console.terminal)
    request.progress = [&](const Progress& p) {
      console.screen << "\rstep " << p.step << " of " << p.steps << std::flush;
    };
  Replay replay = read_asked(line, [&](core::Seal seal) {
    request.seal = seal;
    return prepared(request);
  });
  say_if_unsealed(console, replay.record(), request.file);
  const std::string file = request.file.string();
  if (!line.has("verify")) {
    console.out << settings_text(replay) << "\n"
                << replay.steps() << " steps can be replayed: isorbit replay " << file << " --verify\n";
    return 0;
  }
  const Interrupts interrupts;  // not before: a signal ends what only reads
  const ReplayReport report = replay.run(&interrupts.count());
  if (console.terminal) console.screen << "\n";
  const bool is_here = replay.is_same_environment();
  if (line.has("json"))
    console.out << core::json_line(json_of(file, replay, report));
  else if (!is_here)
    console.out << elsewhere_text(replay, report, command_of(line, file));
  else
    console.out << (report.disagreements.empty() ? same_text(replay, report) : parting_text(replay, report));
  if (report.stopped && report.disagreements.empty()) return 75;
  return is_here && !report.disagreements.empty() ? 3 : 0;
}

}  // namespace isorbit::experiments::verb
