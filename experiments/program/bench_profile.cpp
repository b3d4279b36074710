#include "experiments/program/bench_profile.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace isorbit::experiments {
namespace {

using core::Json;

void sort_by_time(std::vector<ProfileRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.ms > b.ms; });
}

Json event(const std::string& name, const char* category, double start_ms, double ms, Json arguments) {
  return {{"name", name},    {"cat", category}, {"ph", "X"}, {"ts", start_ms * 1e3},
          {"dur", ms * 1e3}, {"pid", 1},        {"tid", 1},  {"args", std::move(arguments)}};
}

}  // namespace

std::vector<ProfileRow> profile_nodes(const core::Program& program, const Timing& timing) {
  const std::vector<double> medians = timing.node_medians();
  std::vector<ProfileRow> rows;
  for (std::size_t i = 0; i < medians.size(); ++i) {
    const core::Step& step = program.steps()[i];
    rows.push_back(
        {step.name, step.op, step.implementation, step.backward, 1, medians[i], step.flops, step.bytes});
  }
  sort_by_time(rows);
  return rows;
}

std::vector<ProfileRow> profile_kinds(const std::vector<ProfileRow>& nodes) {
  std::map<std::tuple<std::string, std::string, bool>, ProfileRow> kinds;
  for (const ProfileRow& node : nodes) {
    ProfileRow& kind = kinds[{node.op, node.implementation, node.backward}];
    if (kind.name.empty()) kind = {node.op, node.op, node.implementation, node.backward, 0, 0, 0, 0};
    ++kind.nodes;
    kind.ms += node.ms;
    kind.flops += node.flops;
    kind.bytes += node.bytes;
  }
  std::vector<ProfileRow> rows;
  for (auto& [key, kind] : kinds) rows.push_back(std::move(kind));
  sort_by_time(rows);
  return rows;
}

Json chrome_trace(const core::Program& program, const Timing& timing) {
  const std::size_t typical = timing.typical();
  const StepTime& times = timing.steps[typical];
  Json events = Json::array();
  double at = 0;
  events.push_back(event("data", "data", at, times.data, Json::object()));
  at += times.data;
  for (std::size_t i = 0; i < program.steps().size(); ++i) {
    const core::Step& step = program.steps()[i];
    const double ms = timing.nodes[typical][i];
    events.push_back(event(step.name, step.backward ? "backward" : "forward", at, ms,
                           {{"op", step.op},
                            {"implementation", step.implementation},
                            {"flops", step.flops},
                            {"bytes", step.bytes}}));
    at += ms;
  }
  events.push_back(event("update", "update", at, times.update, Json::object()));
  return events;
}

}  // namespace isorbit::experiments
