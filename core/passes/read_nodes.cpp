// Nodes as the document writes them: which op or block, under which condition, with which attributes.
#include <set>

#include "core/graph/model_op.hpp"
#include "core/passes/read_model.hpp"

namespace isorbit::core::reading {

namespace {

/// Takes id and inputs as far as they can be read, so that references to a faulty node are not faulty
/// themselves.
void read_names(const Json& node, Template& t) {
  if (node.contains("id") && node.at("id").is_string()) t.id = node.at("id").get<std::string>();
  if (node.contains("block") && node.at("block").is_string()) t.block = node.at("block").get<std::string>();
  if (!node.contains("in")) return;
  const Json& in = node.at("in");
  t.in_is_list = in.is_array();
  if (in.is_string()) t.in.push_back(in.get<std::string>());
  if (!in.is_array()) return;
  for (const Json& name : in) t.in.push_back(name.is_string() ? name.get<std::string>() : std::string());
}

/// The part of a node's check that needs no constants: every key is known and every required one is there.
void check_keys(Reading& r, const Json& node, const Spec& spec, const std::string& pointer) {
  std::vector<Field> fields = spec.description().fields;
  for (Field& field : fields) {
    field.spec = Spec::any();
    field.optional = field.optional || field.fallback.has_value();
    field.fallback.reset();
  }
  (void)resolve(node, Spec::object(std::move(fields)), r.place(pointer), r.problems);
}

/// Whether `when` holds; nothing when it cannot be told.
std::optional<bool> holds(Reading& r, const Json& node, const std::string& pointer) {
  if (!node.contains("when")) return true;
  const std::size_t before = r.problems.size();
  const Json value = resolve(node.at("when"), when_spec(), r.place(pointer + "/when"), r.problems);
  if (r.problems.size() != before) return std::nullopt;
  return value.is_boolean() ? value.get<bool>() : value.get<double>() != 0;
}

std::optional<Spec> spec_of(Reading& r, const Json& node, Template& t) {
  if (!node.is_object()) {
    r.report(t.pointer, shown(node), "a node: an object with \"id\" and \"op\" or \"block\"");
    return std::nullopt;
  }
  const bool op = node.contains("op"), block = node.contains("block");
  if (op == block) {
    std::vector<std::string> keys;
    for (const auto& member : node.items()) keys.push_back(member.key());
    const auto meant = op ? std::nullopt : nearest("op", keys);
    r.report(t.pointer, op ? "both \"op\" and \"block\"" : "neither \"op\" nor \"block\"", "one of the two",
             {}, meant ? "\"op\" for " + in_quotes(*meant) : "");
    return std::nullopt;
  }
  if (block) return block_node_spec();
  const Json& name = node.at("op");
  t.card = name.is_string() ? r.ops.find(name.get_ref<const std::string&>()) : nullptr;
  if (t.card != nullptr) return op_node_spec(*t.card, true);
  const std::vector<std::string> known = model_ops(r.ops);
  r.report(t.pointer + "/op", shown(name), choice(known), "isorbit list ops says what each computes",
           name.is_string() ? suggestion(name.get_ref<const std::string&>(), known) : "");
  return std::nullopt;
}

void take(const Json& resolved, Template& t) {
  if (resolved.contains("repeat")) t.repeat = resolved.at("repeat").get<std::int64_t>();
  if (resolved.contains("tie")) t.tie = resolved.at("tie");
  if (resolved.contains("init")) t.init = resolved.at("init");
  if (t.card == nullptr) return;
  for (const Field& attribute : t.card->attributes)
    if (resolved.contains(attribute.name)) t.attributes[attribute.name] = resolved.at(attribute.name);
}

Template read_template(Reading& r, const Json& node, const std::string& pointer) {
  Template t;
  t.pointer = pointer;
  t.sound = false;
  if (node.is_object()) read_names(node, t);
  const std::optional<Spec> spec = spec_of(r, node, t);
  if (!spec) return t;
  if (!t.id.empty() && !is_name(t.id))
    r.report(pointer + "/id", in_quotes(t.id), "letters, digits and _, no digit first",
             "it becomes part of names");
  const std::optional<bool> present = r.constants_sound ? holds(r, node, pointer) : std::nullopt;
  if (!present || !*present) {
    t.present = present.value_or(!node.contains("when"));
    t.sound = present.has_value();
    check_keys(r, node, *spec, pointer);
    return t;
  }
  const std::size_t before = r.problems.size();
  const Json resolved = resolve(node, *spec, r.place(pointer), r.problems);
  if (r.problems.size() != before) return t;
  take(resolved, t);
  t.sound = true;
  return t;
}

void read_scope(Reading& r, const Json& nodes, Scope& scope) {
  if (!nodes.is_array()) return;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Template t = read_template(r, nodes[i], pointer_join(scope.pointer + "/nodes", i));
    scope.sound = scope.sound && t.sound;
    if (t.present && !t.id.empty()) {
      const auto [first, fresh] = scope.by_id.emplace(t.id, i);
      if (!fresh) {
        scope.sound = false;
        r.report(t.pointer + "/id", in_quotes(t.id),
                 "an id of its own, or a \"when\" that excludes the other's",
                 "#" + scope.nodes[first->second].pointer + " has it too");
      }
    }
    scope.nodes.push_back(std::move(t));
  }
}

void check_block_inputs(Reading& r, const Scope& scope) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < scope.inputs.size(); ++i) {
    const std::string& name = scope.inputs[i];
    const std::string pointer = pointer_join(scope.pointer + "/inputs", i);
    if (!is_name(name))
      r.report(pointer, in_quotes(name), "letters, digits and _, no digit first", "it names an input");
    if (!seen.insert(name).second) r.report(pointer, in_quotes(name) + " again", "a name of its own");
    if (const Template* node = scope.find(name))
      r.report(node->pointer + "/id", in_quotes(name), "an id of its own",
               "an input of the block is called so");
  }
}

}  // namespace

void read_scopes(Reading& r) {
  for (const auto& [name, block] : r.object("blocks").items()) {
    Scope& scope = r.blocks[name];
    scope.pointer = pointer_join("/blocks", name);
    if (!block.is_object()) {
      scope.sound = false;
      continue;
    }
    if (block.contains("output") && block.at("output").is_string())
      scope.output = block.at("output").get<std::string>();
    if (block.contains("inputs") && block.at("inputs").is_array())
      for (const Json& input : block.at("inputs"))
        scope.inputs.push_back(input.is_string() ? input.get<std::string>() : std::string());
    if (block.contains("nodes")) read_scope(r, block.at("nodes"), scope);
    check_block_inputs(r, scope);
  }
  read_scope(r, r.list("nodes"), r.top);
  for (const std::string& name : r.input_names)
    if (const Template* node = r.top.find(name))
      r.report(node->pointer + "/id", in_quotes(name), "an id of its own",
               "an input of the document is called so");
}

}  // namespace isorbit::core::reading
