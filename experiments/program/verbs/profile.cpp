#include <algorithm>
#include <optional>
#include <ostream>
#include <span>

#include "core/document/json_line.hpp"
#include "experiments/program/bench_profile.hpp"
#include "experiments/program/bench_subject.hpp"
#include "experiments/program/output.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {
namespace {

using core::Json;

const char* direction(const ProfileRow& row) { return row.backward ? "backward" : "forward"; }

std::string table(std::span<const ProfileRow> rows, const char* first, double step_ms) {
  TextTable table({first, "pass", "nodes", "ms", "share %", "Gflop/s", "GB/s", "implementation"});
  for (const ProfileRow& row : rows) {
    table.add({row.name, direction(row), std::to_string(row.nodes), fixed(row.ms, 3),
               fixed(100 * row.ms / step_ms, 2), fixed(row.gflop_per_second(), 1),
               fixed(row.gigabyte_per_second(), 1), row.implementation});
  }
  return table.text();
}

std::string parts(const Timing& timing, double step_ms) {
  TextTable table({"part", "ms", "share %"});
  const auto add = [&](const char* name, double ms) {
    table.add({name, fixed(ms, 3), fixed(100 * ms / step_ms, 2)});
  };
  add("data", timing.median(&StepTime::data));
  add("forward", timing.median(&StepTime::forward));
  add("backward", timing.median(&StepTime::backward));
  add("update", timing.median(&StepTime::update));
  add("step", step_ms);
  return table.text();
}

Json rows_json(std::span<const ProfileRow> rows, double step_ms) {
  Json out = Json::array();
  for (const ProfileRow& row : rows) {
    out.push_back({{"name", row.name},
                   {"op", row.op},
                   {"pass", direction(row)},
                   {"nodes", row.nodes},
                   {"ms", row.ms},
                   {"share", row.ms / step_ms},
                   {"gflop_per_second", row.gflop_per_second()},
                   {"gigabyte_per_second", row.gigabyte_per_second()},
                   {"implementation", row.implementation}});
  }
  return out;
}

}  // namespace

int profile(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "profile MODEL [options]",
      "Where the time of a training step goes, on random batches: by kind of op and by node, most\n"
      "first, forward and backward apart; medians over the steps.");
  declare_bench_options(line);
  line.option("limit", "N", "nodes listed; 30")
      .option("trace", "FILE",
              "write one step as a trace for chrome://tracing or Perfetto, there; - for standard output")
      .option("json", "", "one object on one line");
  if (!line.parse(console, arguments)) return 0;
  const auto limit = static_cast<std::size_t>(line.integer("limit", 0).value_or(30));
  std::optional<Output> trace;
  if (const auto path = line.text("trace")) trace.emplace(console, *path);
  BenchSubject subject(bench_options(line, console));
  const Timing timing = time_steps(subject.rehearsal(), subject.options().plan);
  const core::Program& program = subject.learner().program();
  const std::vector<ProfileRow> nodes = profile_nodes(program, timing), kinds = profile_kinds(nodes);
  if (trace) {
    trace->stream() << chrome_trace(program, timing).dump() << "\n";
    trace->commit();
  }
  const double ms = timing.median(&StepTime::total);
  const std::span<const ProfileRow> listed(nodes.data(), std::min(limit, nodes.size()));
  if (line.has("json")) {
    const Json out = {{"ms", ms},
                      {"data_ms", timing.median(&StepTime::data)},
                      {"forward_ms", timing.median(&StepTime::forward)},
                      {"backward_ms", timing.median(&StepTime::backward)},
                      {"update_ms", timing.median(&StepTime::update)},
                      {"kinds", rows_json(kinds, ms)},
                      {"nodes", rows_json(listed, ms)}};
    console.out << core::json_line(out);
  } else {
    console.out << parts(timing, ms) << "\n" << table(kinds, "op", ms) << "\n" << table(listed, "node", ms);
  }
  return 0;
}

}  // namespace isorbit::experiments::verb
