#include "core/passes/symmetries.hpp"

#include <map>
#include <ostream>

#include "core/document/json_line.hpp"
#include "experiments/events/rescale/granularity.hpp"
#include "experiments/program/settings.hpp"
#include "experiments/sweep/document_kind.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {
namespace {

using core::Json;
using core::ScaledWeight;
using core::ScalingFamily;

const char* axis_name(const ScaledWeight& member) { return member.axis == 0 ? "rows" : "columns"; }

/// "layers.0.attn.q.weight rows c, layers.0.attn.k.weight rows 1/c"
std::string members_text(const ScalingFamily& family, const core::Graph& graph) {
  std::string text;
  for (const ScaledWeight& member : family.members) {
    std::string power = fixed(std::abs(member.power), 2);
    power.erase(power.find_last_not_of('0') + 1);
    if (power.back() == '.') power.pop_back();
    const bool matrix = graph.shape(graph.parameter(member.parameter)->value).rank() == 2;
    text += (text.empty() ? "" : ", ") + member.parameter + (matrix ? " " : "") +
            (matrix ? axis_name(member) : "") + (member.power > 0 ? " c" : " 1/c") +
            (power == "1" ? "" : "^" + power);
  }
  return text;
}

Json members_json(const ScalingFamily& family) {
  Json members = Json::array();
  for (const ScaledWeight& m : family.members)
    members.push_back(
        {{"parameter", m.parameter}, {"axis", axis_name(m)}, {"power", m.power}, {"bias", m.is_offset}});
  return members;
}

using Kinds = std::vector<std::pair<std::string, std::vector<const ScalingFamily*>>>;

Kinds by_kind(const core::Symmetries& found) {
  Kinds kinds;
  for (const ScalingFamily& family : found.families) {
    if (kinds.empty() || kinds.back().first != family.kind) kinds.push_back({family.kind, {}});
    kinds.back().second.push_back(&family);
  }
  return kinds;
}

void print_table(const core::Symmetries& found, const core::Graph& graph, std::ostream& out) {
  std::vector<std::string> header = {"kind", "places"};
  for (const std::string& granularity : granularities()) header.push_back(granularity);
  header.emplace_back("the first of them, by factors c");
  TextTable table(header);
  for (const auto& [kind, families] : by_kind(found)) {
    std::vector<std::string> row = {kind, std::to_string(families.size())};
    for (const std::string& granularity : granularities()) {
      const std::int32_t count = factor_blocks(*families.front(), granularity).count;
      row.push_back(count == 0 ? "-" : std::to_string(count));
    }
    row.push_back(members_text(*families.front(), graph));
    table.add(std::move(row));
  }
  out << table.text();
  const std::vector<std::string> reasons = found.reasons();
  if (!reasons.empty()) out << "\nnot scaled\n";
  for (const std::string& line : reasons) out << "  " << line << "\n";
}

void print_json(const core::Symmetries& found, std::ostream& out) {
  for (const auto& [kind, families] : by_kind(found)) {
    const ScalingFamily& first = *families.front();
    Json factors = Json::object(), places = Json::array(), finer = Json::array();
    for (const std::string& granularity : granularities())
      if (const auto blocks = factor_blocks(first, granularity); blocks.count > 0)
        factors[granularity] = blocks.count;
    for (const ScalingFamily* family : families)
      places.push_back({{"name", family->name}, {"weights", members_json(*family)}});
    for (const ScalingFamily::Finer& f : first.finer)
      finer.push_back({{"per", f.what}, {"because", f.because}});
    out << core::json_line(
        Json{{"kind", kind}, {"factors", factors}, {"places", places}, {"refused", finer}});
  }
  for (const core::ScalingRefusal& refusal : found.refusals)
    out << core::json_line(
        Json{{"refused", refusal.kind}, {"parameter", refusal.parameter}, {"because", refusal.because}});
}

}  // namespace

int symmetries(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "symmetries MODEL [options]",
      "Which weights may be scaled against each other with the model's outputs unchanged, by how many\n"
      "factors at each granularity, and what may not be scaled and why.");
  line.option("size", "S", "one of the model's sizes")
      .option("set", "NAME=VALUE", "sets a constant; may be repeated")
      .option("json", "", "one object a line: kinds with all their places, then refusals");
  if (!line.parse(console, arguments)) return 0;
  const std::string file = line.first("model document");
  line.at_most(1);
  const core::Model model = core::read_model(read_document_of(DocumentKind::model, file), every_op(),
                                             line.text("size").value_or(""), constants_from(line));
  const core::Symmetries found = core::symmetries(model.graph);
  if (line.has("json")) {
    print_json(found, console.out);
  } else {
    print_table(found, model.graph, console.out);
  }
  return 0;
}

}  // namespace isorbit::experiments::verb
