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

struct Pass {
  bool backward = false;
  double share = 1;  // of the step's work
};

std::vector<Pass> passes_of(const core::Step& step) {
  std::vector<Pass> passes;
  if (step.forward_share > 0) passes.push_back({false, step.forward_share});
  if (step.forward_share < 1) passes.push_back({true, 1 - step.forward_share});
  return passes;
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
    for (const auto& [backward, share] : passes_of(step)) {
      rows.push_back({step.name, step.op, step.implementation, backward, 1, share * medians[i],
                      share * step.flops, share * step.bytes});
    }
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
    for (const auto& [backward, share] : passes_of(step)) {
      const double ms = share * timing.nodes[typical][i];
      events.push_back(event(step.name, backward ? "backward" : "forward", at, ms,
                             {{"op", step.op},
                              {"implementation", step.implementation},
                              {"flops", share * step.flops},
                              {"bytes", share * step.bytes}}));
      at += ms;
    }
  }
  events.push_back(event("update", "update", at, times.update, Json::object()));
  return events;
}

}  // namespace isorbit::experiments
