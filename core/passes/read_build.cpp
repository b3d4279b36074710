// From templates to a graph: blocks are copied in, weights are made or shared, and every shape is inferred on
// the way.
#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "core/passes/read_model.hpp"

namespace isorbit::core::reading {

namespace {

using Environment = std::unordered_map<std::string, ValueId>;  // name -> value, kNone when unknown

/// Types a card is first asked with for the names of its weights, where the document gives too few inputs.
const TensorType& stand_in() {
  static const TensorType type{Shape{1, 1, 1, 1}, DType::f32};
  return type;
}

std::string count_text(std::size_t inputs) {
  return std::to_string(inputs) + (inputs == 1 ? " input" : " inputs");
}

class Assembler {
 public:
  explicit Assembler(Reading& r) : r_(r) {}

  Graph run() {
    Environment inputs;
    for (const ModelInput& input : r_.inputs) inputs[input.name] = graph_.add_input(input.name, input.type);
    inputs_ = std::move(inputs);
    const Environment top = assemble(r_.top, {}, {});
    const auto result = [&](const Json& id) {
      const auto it = id.is_string() ? top.find(id.get_ref<const std::string&>()) : top.end();
      return it == top.end() ? kNone : it->second;
    };
    for (const auto& [name, id] : r_.object("outputs").items())
      if (const ValueId value = result(id); value != kNone) graph_.outputs.push_back({name, value});
    add_loss(result(r_.root.contains("loss") ? r_.root.at("loss") : Json()));
    return std::move(graph_);
  }

 private:
  void add_loss(ValueId loss) {
    if (loss == kNone) return;
    const TensorType& type = graph_.value(loss).type;
    if (type.dtype != DType::f32 || type.shape.elements() != 1)
      r_.report("/loss", type.text(), "one number", "a loss is what training makes small");
    graph_.outputs.push_back({"loss", loss});
  }

  ValueId find(const Environment& own, const Environment& arguments, const std::string& name) const {
    for (const Environment* names : {&own, &arguments, &inputs_})
      if (const auto it = names->find(name); it != names->end()) return it->second;
    return kNone;
  }

  /// Adds the nodes of a scope under `prefix` and returns their outputs.
  Environment assemble(const Scope& scope, const Environment& arguments, const std::string& prefix) {
    Environment own;
    for (const std::size_t n : scope.order) {
      const Template& t = scope.nodes[n];
      std::vector<ValueId> in;
      bool known = t.sound;
      for (const std::string& name : t.in) {
        in.push_back(find(own, arguments, name));
        known = known && in.back() != kNone;
      }
      const std::string name = prefix.empty() ? t.id : prefix + "." + t.id;
      own[t.id] = !known              ? kNone
                  : t.card != nullptr ? add_op(t, std::move(in), name)
                                      : add_block(t, in, name);
    }
    return own;
  }

  ValueId add_block(const Template& t, const std::vector<ValueId>& in, const std::string& name) {
    const auto found = r_.blocks.find(t.block);
    if (found == r_.blocks.end()) return kNone;
    const Scope& scope = found->second;
    if (in.size() != scope.inputs.size())
      return refuse(t, "/in", count_text(in.size()), std::to_string(scope.inputs.size()),
                    "block " + in_quotes(t.block) + " takes so many, in " + in_quotes(name));
    if (!t.repeat) return copy_block(scope, in, name);
    if (in.size() != 1)
      return refuse(t, "/in", count_text(in.size()), "1",
                    "a repeated block hands one value on, in " + in_quotes(name));
    ValueId x = in[0];
    for (std::int64_t i = 0; i < *t.repeat; ++i) {
      const ValueId y = copy_block(scope, {x}, name + "." + std::to_string(i));
      if (y == kNone) return kNone;
      if (graph_.value(y).type != graph_.value(x).type)
        return refuse(
            t, "/block", "an output of " + graph_.value(y).type.text(), graph_.value(x).type.text(),
            "a repeated block gives what it takes, in " + in_quotes(name + "." + std::to_string(i)));
      x = y;
    }
    return x;
  }

  ValueId copy_block(const Scope& scope, const std::vector<ValueId>& in, const std::string& name) {
    Environment arguments;
    for (std::size_t i = 0; i < in.size(); ++i) arguments[scope.inputs[i]] = in[i];
    return find(assemble(scope, arguments, name), arguments, scope.output);
  }

  ValueId add_op(const Template& t, std::vector<ValueId> in, const std::string& name) {
    const std::size_t given = in.size();
    try {
      std::optional<std::vector<ParameterSlot>> slots = weights(t, in, name);
      if (!slots) return kNone;
      Node node{t.card, t.attributes, std::move(in), {}, name, t.pointer};
      for (std::size_t k = 0; k < slots->size(); ++k)
        if (!add_weight(t, (*slots)[k], given + k, name, node)) return kNone;
      const std::vector<TensorType> types = infer_types(graph_, node);
      const NodeId id = graph_.add_node(std::move(node), types);
      return graph_.nodes[index(id)].outputs.at(0);
    } catch (const OpError& error) {
      const std::string because = error.because.empty() ? "" : error.because + ", ";
      return refuse(t, place_of(t, error.where, given), error.found, error.expected,
                    because + "in " + in_quotes(name));
    } catch (const std::overflow_error& error) {
      return refuse(t, "", error.what(), "tensors that fit", "in " + in_quotes(name));
    }
  }

  /// Where a shape rule's refusal stands, relative to the node.
  static std::string place_of(const Template& t, const std::string& where, std::size_t given) {
    if (!where.starts_with("in")) return "/" + where;
    if (where == "in" || !where.starts_with("in/")) return "/in";
    const std::size_t i = std::stoul(where.substr(3));
    if (i < given) return t.in_is_list ? "/" + where : "/in";
    if (i < t.card->inputs.size() && t.tie.contains(t.card->inputs[i].name))
      return "/tie/" + t.card->inputs[i].name;
    return "/in";
  }

  /// The weights of a node, after its inputs have been counted. Throws OpError.
  std::optional<std::vector<ParameterSlot>> weights(const Template& t, const std::vector<ValueId>& in,
                                                    const std::string& name) {
    std::vector<const TensorType*> types;
    for (const ValueId id : in) types.push_back(&graph_.value(id).type);
    const std::size_t most = t.card->inputs.size();
    std::set<std::string> made;
    if (in.size() <= most && t.card->parameters) {
      std::vector<const TensorType*> probe = types;
      probe.resize(most, &stand_in());
      try {
        for (const ParameterSlot& slot : t.card->parameters(Infer(probe, t.attributes)))
          made.insert(slot.name);
      } catch (const OpError& error) {
        const bool of_missing =
            error.where.starts_with("in/") && std::stoul(error.where.substr(3)) >= in.size();
        if (!of_missing) throw;
        refuse(t, "/in", count_text(in.size()), "at least " + std::to_string(in.size() + 1),
               error.because + ", in " + in_quotes(name));
        return std::nullopt;
      }
    }
    std::size_t least = 0, data = 0;
    std::string names;
    for (const InputSlot& slot : t.card->inputs) {
      if (made.contains(slot.name)) break;
      const bool maybe_weight = t.card->parameters && slot.optional;
      ++data;
      if (!slot.optional) least = data;
      if (!maybe_weight) names += (names.empty() ? "" : ", ") + slot.name;
    }
    if (in.size() < least || in.size() > data) {
      refuse(t, "/in", count_text(in.size()),
             least == 0 ? "none" : std::to_string(least) + " (" + names + ")",
             in_quotes(t.card->name) + " takes so many, in " + in_quotes(name));
      return std::nullopt;
    }
    std::vector<ParameterSlot> slots;
    if (t.card->parameters) slots = t.card->parameters(Infer(types, t.attributes));
    return check_slots(t, slots, name) ? std::optional(std::move(slots)) : std::nullopt;
  }

  /// "tie" and "init" name weights that the node has.
  bool check_slots(const Template& t, const std::vector<ParameterSlot>& slots, const std::string& name) {
    std::vector<std::string> names;
    for (const ParameterSlot& slot : slots) names.push_back(slot.name);
    bool good = true;
    for (const auto& [key, rules] : {std::pair<std::string, const Json&>{"tie", t.tie}, {"init", t.init}}) {
      for (const auto& [slot, rule] : rules.items()) {
        if (std::find(names.begin(), names.end(), slot) == names.end()) {
          refuse(t, "/" + key + "/" + slot, "weight " + in_quotes(slot), choice(names),
                 "in " + in_quotes(name), suggestion(slot, names));
          good = false;
        } else if (key == "init" && t.tie.contains(slot)) {
          refuse(t, "/init/" + slot, "an init of " + in_quotes(slot), "none",
                 "the weight is shared by \"tie\", in " + in_quotes(name));
          good = false;
        }
      }
    }
    return good;
  }

  bool add_weight(const Template& t, const ParameterSlot& slot, std::size_t fallback, const std::string& name,
                  Node& node) {
    std::size_t at = fallback;
    for (std::size_t i = 0; i < t.card->inputs.size(); ++i)
      if (t.card->inputs[i].name == slot.name) at = i;
    if (node.inputs.size() <= at) node.inputs.resize(at + 1, kNone);
    const std::string full = name + "." + slot.name;
    ValueId id = kNone;
    if (t.tie.contains(slot.name)) {
      id = shared(t, slot, name);
    } else {
      parameters_ += slot.type.shape.elements();
      if (parameters_ > kMostParameters) {
        if (!std::exchange(too_many_, true))
          refuse(t, "", "parameters of more than 2^36 numbers in all", "at most 2^36",
                 "in " + in_quotes(name));
        return false;
      }
      id = graph_.add_parameter(full, slot.type, true,
                                t.init.contains(slot.name) ? t.init.at(slot.name) : slot.init, t.pointer);
      parameter_names_.push_back(full);
    }
    if (id == kNone) return false;
    weights_[full] = node.inputs[at] = id;
    return true;
  }

  ValueId shared(const Template& t, const ParameterSlot& slot, const std::string& name) {
    const std::string target = t.tie.at(slot.name).get<std::string>(), pointer = "/tie/" + slot.name;
    const auto found = weights_.find(target);
    if (found == weights_.end())
      return refuse(t, pointer, in_quotes(target), "the name of a weight, as in \"embed.weight\"",
                    "no node made before has it, in " + in_quotes(name),
                    suggestion(target, parameter_names_));
    const TensorType& type = graph_.value(found->second).type;
    if (type == slot.type) return found->second;
    return refuse(t, pointer, in_quotes(target) + " of " + type.text(), slot.type.text(),
                  "in " + in_quotes(name));
  }

  /// Reports once per node of the document, not once per copy.
  ValueId refuse(const Template& t, const std::string& where, std::string found, std::string expected,
                 std::string because, std::string suggested = {}) {
    if (reported_.insert(t.pointer + where).second)
      r_.report(t.pointer + where, std::move(found), std::move(expected), std::move(because),
                std::move(suggested));
    return kNone;
  }

  Reading& r_;
  Graph graph_;
  Environment inputs_, weights_;
  std::vector<std::string> parameter_names_;
  std::set<std::string> reported_;
  std::int64_t parameters_ = 0;
  bool too_many_ = false;
};

}  // namespace

Graph build_graph(Reading& r) { return Assembler(r).run(); }

}  // namespace isorbit::core::reading
