// A graph for people: as text, one value or node a line, and as Graphviz DOT.
#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

std::string attributes_text(const Json& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes.items())
    text += (text.empty() ? "" : ", ") + name + "=" +
            (value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

std::string input_names(const Graph& graph, const Node& node) {
  std::string text;
  for (const ValueId id : node.inputs)
    text += (text.empty() ? "" : ", ") + (id == kNone ? std::string("-") : graph.value(id).name);
  return text;
}

std::string node_text(const Graph& graph, const Node& node) {
  std::string text;
  for (const ValueId id : node.outputs)
    text += (text.empty() ? "" : ", ") + graph.value(id).name + " " + graph.value(id).type.text();
  text += " = " + node.op->name + "(" + input_names(graph, node) + ")";
  const std::string attributes = attributes_text(node.attributes);
  if (!attributes.empty()) text += " {" + attributes + "}";
  if (!node.pointer.empty()) text += "  #" + node.pointer;
  return text;
}

std::string init_text(const Json& init) {
  if (!init.is_object() || !init.contains("kind")) return {};
  Json rest = init;
  rest.erase("kind");
  return " " + init.at("kind").get<std::string>() + "(" + attributes_text(rest) + ")";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    out += c;
  }
  return out + '"';
}

std::string vertex(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return value.role == Role::computed ? "n" + std::to_string(value.producer) : "v" + std::to_string(id);
}

void dot_sources(const Graph& graph, std::string& text) {
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    if (value.role == Role::computed) continue;
    text += "  v" + std::to_string(id) + " [label=" + quoted(value.name + "\n" + value.type.text()) +
            (value.role == Role::input ? ", shape=ellipse" : ", shape=cylinder") + "];\n";
  }
}

void dot_nodes(const Graph& graph, std::string& text) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const std::string name = "n" + std::to_string(n), attributes = attributes_text(node.attributes);
    text += "  " + name + " [label=" +
            quoted(node.name + "\n" + node.op->name + (attributes.empty() ? "" : "\n" + attributes)) + "];\n";
    for (const ValueId id : node.inputs) {
      if (id == kNone) continue;
      text += "  " + vertex(graph, id) + " -> " + name + " [label=" + quoted(graph.value(id).type.text()) +
              "];\n";
    }
  }
}

}  // namespace

std::string dump_text(const Graph& graph) {
  std::string text;
  for (const ValueId id : graph.inputs)
    text += "input " + graph.value(id).name + " " + graph.value(id).type.text() + "\n";
  for (const Parameter& p : graph.parameters)
    text += "parameter " + graph.value(p.value).name + " " + graph.value(p.value).type.text() +
            (p.trainable ? " trainable" : " fixed") + init_text(p.init) + "\n";
  for (const Node& node : graph.nodes) text += node_text(graph, node) + "\n";
  for (const GraphOutput& output : graph.outputs)
    text += "output " + output.name + " = " + graph.value(output.value).name + "\n";
  return text;
}

std::string dump_dot(const Graph& graph) {
  std::string text = "digraph model {\n  rankdir=TB;\n  node [shape=box, fontname=\"monospace\"];\n";
  dot_sources(graph, text);
  dot_nodes(graph, text);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const GraphOutput& output = graph.outputs[i];
    const std::string name = "o" + std::to_string(i);
    text += "  " + name + " [label=" + quoted(output.name) + ", shape=doubleoctagon];\n";
    text += "  " + vertex(graph, output.value) + " -> " + name +
            " [label=" + quoted(graph.value(output.value).type.text()) + "];\n";
  }
  return text + "}\n";
}

}  // namespace isorbit::core
