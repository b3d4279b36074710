// The model document, stage by stage; its problems are thrown together at the end.
#include "core/passes/read_model.hpp"

#include "core/passes/name_glob.hpp"

namespace isorbit::core {

namespace reading {

const Json& Reading::object(const char* key) const {
  static const Json none = Json::object();
  return root.is_object() && root.contains(key) && root.at(key).is_object() ? root.at(key) : none;
}

const Json& Reading::list(const char* key) const {
  static const Json none = Json::array();
  return root.is_object() && root.contains(key) && root.at(key).is_array() ? root.at(key) : none;
}

std::string in_quotes(std::string_view word) { return shown(Json(word)); }

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? in_quotes(*near) : std::string();
}

std::string choice(const std::vector<std::string>& names) {
  return names.empty() ? std::string("none: there is nothing to choose from")
                       : expectation(Spec::text().one_of(names));
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || digit(text[0])) return false;
  for (const char c : text)
    if (!letter(c) && !digit(c)) return false;
  return true;
}

namespace {

/// Nodes with weights that a pattern names; reports a pattern that names none.
std::size_t count_matches(Reading& r, const Graph& graph, const Json& glob, const std::string& pointer) {
  if (!glob.is_string()) return 0;
  std::vector<std::string> names;
  std::size_t count = 0;
  for (const Node& node : graph.nodes) {
    bool weighted = false;
    for (const ValueId id : node.inputs)
      weighted = weighted || (id != kNone && graph.value(id).role == Role::parameter);
    if (!weighted) continue;
    names.push_back(node.name);
    count += matches(glob.get_ref<const std::string&>(), node.name) ? 1 : 0;
  }
  if (count == 0)
    r.report(pointer, shown(glob), "a pattern that names nodes with weights, as in \"layers.*.attn.q\"", {},
             suggestion(glob.get_ref<const std::string&>(), names));
  return count;
}

}  // namespace

std::vector<ScalingPair> read_pairs(Reading& r, const Graph& graph) {
  std::vector<ScalingPair> pairs;
  for (const auto& [name, pair] : r.object("pairs").items()) {
    const std::string pointer = pointer_join("/pairs", name);
    if (!pair.is_array()) continue;
    if (pair.size() != 2) {
      r.report(pointer, "a list of " + std::to_string(pair.size()), "two patterns of node names");
      continue;
    }
    const std::size_t first = count_matches(r, graph, pair[0], pointer + "/0");
    const std::size_t second = count_matches(r, graph, pair[1], pointer + "/1");
    if (first == 0 || second == 0) continue;
    if (first != second)
      r.report(pointer,
               "patterns that name " + std::to_string(first) + " and " + std::to_string(second) + " nodes",
               "as many nodes on either side");
    pairs.push_back({name, pair[0].get<std::string>(), pair[1].get<std::string>()});
  }
  return pairs;
}

}  // namespace reading

namespace {
/// Whether every node of the document is in the graph, so that a pattern may be blamed for finding nothing.
bool complete(const reading::Reading& r) {
  bool sound = r.top.sound && r.inputs.size() == r.input_names.size();
  for (const auto& [name, scope] : r.blocks) sound = sound && scope.sound;
  return sound;
}
}  // namespace

Model read_model(const Document& document, const OpSet& ops, const std::string& size, const Json& overrides) {
  reading::Reading r{document, ops};
  r.root = document.root;
  (void)resolve(r.root, reading::shell_spec(Spec::any(), Spec::any()), {&document, "", nullptr}, r.problems);
  if (!r.root.is_object()) r.problems.throw_if_any();
  Model model;
  model.constants = reading::read_constants(r, size, overrides);
  reading::read_inputs(r);
  reading::read_scopes(r);
  if (reading::order_scopes(r)) {
    const std::size_t before = r.problems.size();
    model.graph = reading::build_graph(r);
    if (r.problems.size() == before && complete(r)) model.pairs = reading::read_pairs(r, model.graph);
  }
  r.problems.throw_if_any();
  model.name = r.root.at("name").get<std::string>();
  model.inputs = std::move(r.inputs);
  return model;
}

}  // namespace isorbit::core
