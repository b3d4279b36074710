#include "core/graph/scaling.hpp"

#include <algorithm>

namespace isorbit::core {

namespace {

std::int64_t channel_count(const Shape& shape) { return shape.rank() == 0 ? 1 : shape.back(); }

bool is_matrix(const Graph& graph, ValueId id) {
  return graph.value(id).role == Role::parameter && graph.shape(id).rank() == 2;
}

}  // namespace

GraphScales::GraphScales(const Graph& graph) : is_offset(graph.values.size()) {
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    const auto id = static_cast<ValueId>(v);
    if (is_matrix(graph, id)) rows[id] = {scales.add(graph.shape(id)[0]), graph.shape(id)[0]};
    const std::int64_t count = channel_count(graph.shape(id));
    channels.push_back({scales.add(count), count});
  }
  const auto pin = [&](ValueId id, const std::string& why) {
    const LogScales::Reason reason_id = reason(why);
    for (std::int64_t c = 0; c < channels[index(id)].count; ++c)
      scales.pin(channels[index(id)][c], reason_id);
  };
  for (const GraphOutput& output : graph.outputs)
    pin(output.value, "it is the model's \"" + output.name + "\"");
  for (const ValueId input : graph.inputs) pin(input, "it is what the model is fed");
  for (const Node& node : graph.nodes) relate(graph, node);
  scales.solve();
}

void GraphScales::relate(const Graph& graph, const Node& node) {
  Scaling scaling(*this, graph, node);
  if (node.op->scaling) {
    node.op->scaling(scaling);
    return;
  }
  scaling.refuse(node.op->name + " is not known to be homogeneous");
}

LogScales::Reason GraphScales::reason(std::string text) {
  // Few nodes say something new: it is mostly what was said a few nodes before.
  const auto at = std::ranges::find(reasons, text);
  const auto id = static_cast<LogScales::Reason>(at - reasons.begin());
  if (at == reasons.end()) reasons.push_back(std::move(text));
  return id;
}

const std::string& GraphScales::text_of(LogScales::Reason reason) const {
  static const std::string contradiction = "its factor would have to be its own inverse";
  return reason == LogScales::kContradiction ? contradiction : reasons[index(reason)];
}

Channels Scaling::in(std::size_t i) {
  const ValueId id = node_.inputs[i];
  if (const auto at = all_.rows.find(id); at != all_.rows.end())
    pin(at->second, op() + " reads all its rows alike");
  return all_.channels[index(id)];
}

Channels Scaling::rows(std::size_t i) {
  const ValueId id = node_.inputs[i];
  if (const auto at = all_.rows.find(id); at != all_.rows.end()) return at->second;
  const Channels fixed{all_.scales.add(shape(i)[0]), shape(i)[0]};
  pin(fixed, "they are rows of what is computed");
  return fixed;
}

void Scaling::pin(Channels channels, const std::string& reason) {
  const LogScales::Reason id = all_.reason(reason);
  for (std::int64_t c = 0; c < channels.count; ++c) all_.scales.pin(channels[c], id);
}

void Scaling::refuse(const std::string& reason) {
  for (std::size_t i = 0; i < node_.inputs.size(); ++i) {
    if (!has(i)) continue;
    if (const auto at = all_.rows.find(node_.inputs[i]); at != all_.rows.end()) pin(at->second, reason);
    pin(columns(i), reason);
  }
  for (std::size_t i = 0; i < node_.outputs.size(); ++i) pin(out(i), reason);
}

void Scaling::related(Channels b, double power, Channels a) {
  for (std::int64_t c = 0; c < b.count; ++c) all_.scales.relate(b[c], power, a[c % a.count]);
}

void Scaling::product(Channels y, Channels a, Channels b) {
  for (std::int64_t c = 0; c < y.count; ++c) all_.scales.sum(y[c], a[c % a.count], b[c % b.count]);
}

void Scaling::tie(Channels channels) {
  for (std::int64_t c = 1; c < channels.count; ++c) all_.scales.relate(channels[c], 1, channels[0]);
}

void Scaling::group(Channels channels, std::int64_t group) { all_.groups.push_back({channels, group}); }

void Scaling::finer(Channels channels, const std::string& what, const std::string& because) {
  all_.finer.push_back({channels, what, because});
}

}  // namespace isorbit::core
