#include <algorithm>
#include <ostream>
#include <set>

#include "core/document/json_line.hpp"
#include "experiments/program/bench_products.hpp"
#include "experiments/program/bench_subject.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/timing/process_memory.hpp"
#include "experiments/timing/step_times.hpp"
#include "experiments/training/provenance.hpp"

namespace isorbit::experiments::verb {
namespace {

using core::Json;

Json subject_json(BenchSubject& subject) {
  const BenchOptions& options = subject.options();
  const auto made = provenance(options.compute, "", "", {});
  return {{"model", options.model},
          {"size", options.size},
          {"method", subject.rehearsal().method().name},
          {"dtype", core::name_of(options.compute.precision)},
          {"threads", options.compute.threads},
          {"steps", options.plan.steps},
          {"warmup", options.plan.warmup},
          {"batches", options.plan.fixed_batch ? "fixed" : "random"},
          {"cpu", made.at("cpu")},
          {"isa", made.at("isa")},
          {"onednn", made.at("onednn")},
          {"version", made.at("version")}};
}

void add_step(Json& out, BenchSubject& subject, const Timing& timing) {
  double flops = 0, bytes = 0;
  for (const core::Step& step : subject.learner().program().steps()) flops += step.flops, bytes += step.bytes;
  const double ms = timing.median(&StepTime::total);
  Json each = Json::array();
  for (const StepTime& step : timing.steps) each.push_back(step.total);
  out["ms"] = ms;
  out["step_ms"] = each;
  out["tokens_per_second"] = static_cast<double>(subject.rehearsal().targets()) / ms * 1e3;
  out["data_ms"] = timing.median(&StepTime::data);
  out["forward_ms"] = timing.median(&StepTime::forward);
  out["backward_ms"] = timing.median(&StepTime::backward);
  out["update_ms"] = timing.median(&StepTime::update);
  out["gflop"] = flops * 1e-9;
  out["bytes"] = bytes;
  out["gflop_per_second"] = flops * 1e-6 / ms;
}

void add_memory(Json& out, BenchSubject& subject) {
  const core::Program& program = subject.learner().program();
  out["arena_bytes"] = program.arena_bytes();
  out["arena_lower_bound_bytes"] = program.arena_lower_bound();
  out["stored_bytes"] = subject.learner().stored_bytes();
  out["planned_bytes"] = subject.learner().planned_bytes();
  out["peak_bytes"] = peak_bytes();
  out["compile_ms"] = subject.compile_ms();
}

void add_ceiling(Json& out, BenchSubject& subject) {
  const Ceiling ceiling = measure_ceiling(subject.learner().program(), subject.options().compute.threads);
  out["ceiling_ms"] = ceiling.ms;
  out["ceiling_share"] = ceiling.ms / out.at("ms").get<double>();
  out["ceiling_gflop"] = ceiling.flops * 1e-9;
}

void add_record(Json& out, BenchSubject& subject) {
  const RecordTime record = time_record(subject.rehearsal());
  out["record_ms"] = record.step_ms;
  out["row_ms"] = record.row_ms;
  out["spectra_ms"] = record.spectra_ms;
}

std::string human(const Json& j) {
  const auto number = [&](const char* key, int decimals) { return fixed(j.at(key).get<double>(), decimals); };
  const auto megabytes = [&](const char* key) { return fixed(j.at(key).get<double>() * 1e-6, 1); };
  TextTable table({"what", "value", "unit"});
  table.add({"step, median", number("ms", 3), "ms"});
  for (const char* part : {"data", "forward", "backward", "update"})
    table.add({std::string("  ") + part, number((std::string(part) + "_ms").c_str(), 3), "ms"});
  if (j.contains("events_ms")) table.add({"events, a step", number("events_ms", 3), "ms"});
  if (j.contains("record_ms")) {
    table.add({"record, a step", number("record_ms", 3), "ms"});
    table.add({"one round of spectra", number("spectra_ms", 1), "ms"});
  }
  table.add({"speed", number("tokens_per_second", 0), "tokens/s"});
  table.add({"work", number("gflop", 2), "Gflop"});
  table.add({"rate", number("gflop_per_second", 1), "Gflop/s"});
  table.add({"memory traffic", megabytes("bytes"), "MB"});
  if (j.contains("ceiling_ms")) {
    table.add({"bare products", number("ceiling_ms", 3), "ms"});
    table.add({"  their share of the step", fixed(100 * j.at("ceiling_share").get<double>(), 1), "%"});
    table.add({"  their work", number("ceiling_gflop", 2), "Gflop"});
  }
  table.add({"arena", megabytes("arena_bytes"), "MB"});
  table.add({"  its lower bound", megabytes("arena_lower_bound_bytes"), "MB"});
  table.add({"weights and coordinates", megabytes("stored_bytes"), "MB"});
  table.add({"planned in all", megabytes("planned_bytes"), "MB"});
  table.add({"peak of the process", megabytes("peak_bytes"), "MB"});
  table.add({"compile", number("compile_ms", 1), "ms"});
  return table.text();
}

std::set<std::string> skipped_parts(const CommandLine& line) {
  const std::vector<std::string> parts = {"ceiling", "events", "record", "all"}, given = line.texts("skip");
  for (const std::string& part : given) {
    if (std::ranges::find(parts, part) != parts.end()) continue;
    const auto near = core::nearest(part, parts);
    throw UsageError("found --skip \"" + part + "\"; expected one of ceiling, events, record, all" +
                     (near ? "; did you mean " + *near + "?" : ""));
  }
  return {given.begin(), given.end()};
}

std::string title(const Json& j) {
  const std::string size = j.at("size").get<std::string>();
  return j.at("model").get<std::string>() + (size.empty() ? "" : " " + size) + ", " +
         j.at("method").get<std::string>() + ", " + j.at("dtype").get<std::string>() + ", " +
         std::to_string(j.at("threads").get<int>()) + " threads, " +
         std::to_string(j.at("steps").get<std::int64_t>()) + " steps on " + j.at("cpu").get<std::string>() +
         " (" + j.at("isa").get<std::string>() + "), oneDNN " + j.at("onednn").get<std::string>();
}

}  // namespace

int bench(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line("bench MODEL [options]",
                   "Times training steps on random batches: medians of the step and its parts, its share of\n"
                   "what the bare matrix products take in oneDNN, what events and records add, and memory.");
  declare_bench_options(line);
  line.option("skip", "PART",
              "ceiling, events, record or all: what is not measured beside the steps; repeatable")
      .option("json", "", "one object on one line");
  if (!line.parse(console, arguments)) return 0;
  const std::set<std::string> skipped = skipped_parts(line);
  const auto measured = [&](const char* part) { return !skipped.contains(part) && !skipped.contains("all"); };
  BenchSubject subject(bench_options(line, console));
  Json out = subject_json(subject);
  add_step(out, subject, time_steps(subject.rehearsal(), subject.options().plan));
  add_memory(out, subject);  // before the products and spectra, which need memory of their own
  if (measured("ceiling")) add_ceiling(out, subject);
  if (measured("events")) out["events_ms"] = time_events(subject.rehearsal());
  if (measured("record")) add_record(out, subject);
  console.out << (line.has("json") ? core::json_line(out) : title(out) + "\n\n" + human(out));
  return 0;
}

}  // namespace isorbit::experiments::verb
