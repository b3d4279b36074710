// The description of a model document, put together from the cards of the ops.
#include "core/passes/read_model.hpp"

namespace isorbit::core {

namespace reading {

namespace {

Spec init_spec() {
  return Spec::variant(
      "kind", {{"normal", Spec::object({{"std", Spec::number().at_least(0), "standard deviation", 0.02}})},
               {"uniform", Spec::object({{"low", Spec::number(), "least value"},
                                         {"high", Spec::number(), "bound of the values"}})},
               {"zeros", Spec::object({})},
               {"ones", Spec::object({})}});
}

Spec references() {
  return Spec::either({Spec::text().at_least_items(1), Spec::list(Spec::text().at_least_items(1))});
}

Field id_field() { return {"id", Spec::text().at_least_items(1), "name of the node within its scope"}; }
Field in_field() {
  return {"in", references(), "ids of nodes, block inputs or document inputs", Json::array()};
}
Field when_field() {
  return {"when", when_spec(), "the node is left out when this is 0", std::nullopt, true};
}

Spec scalar() { return Spec::either({Spec::number(), Spec::boolean(), Spec::text()}); }

}  // namespace

Spec when_spec() { return Spec::either({Spec::boolean(), Spec::number()}); }

Spec op_node_spec(const OpCard& card, bool with_op) {
  std::vector<Field> fields{id_field()};
  if (with_op) fields.push_back({"op", Spec::text(), card.doc});
  fields.push_back(in_field());
  fields.push_back(when_field());
  if (card.parameters) {
    fields.push_back({"tie", Spec::map(Spec::text()), "weights shared with others: slot -> \"node.slot\"",
                      std::nullopt, true});
    fields.push_back(
        {"init", Spec::map(init_spec()), "first values of the weights: slot -> rule", std::nullopt, true});
  }
  for (const Field& attribute : card.attributes) fields.push_back(attribute);
  return Spec::object(std::move(fields)).help(card.doc);
}

Spec block_node_spec() {
  return Spec::object({id_field(),
                       {"block", Spec::text(), "name of a block"},
                       in_field(),
                       {"repeat", Spec::integer().at_least(1).at_most(static_cast<double>(kMostRepeats)),
                        "so many in a row, called <id>.0, <id>.1, ...", std::nullopt, true},
                       when_field()});
}

Spec inputs_spec() {
  const Spec shape = Spec::list(Spec::integer().at_least(1));
  return Spec::map(Spec::object({{"shape", shape, "extents, outermost first"},
                                 {"type", Spec::text().one_of({"token", "index", "number"}), "what it holds"},
                                 {"below", Spec::integer().at_least(1),
                                  "tokens and indices lie in [0, below)", std::nullopt, true}}))
      .at_least_items(1);
}

Spec shell_spec(const Spec& inputs, const Spec& node) {
  const Spec nodes = Spec::list(node).at_least_items(1);
  const Spec block = Spec::object({{"inputs", Spec::list(Spec::text()), "names of what the block takes"},
                                   {"output", Spec::text(), "id of the node whose output is the block's"},
                                   {"nodes", nodes, "the block's nodes"}});
  return Spec::object(
      {{"name", Spec::text().at_least_items(1), "name of the model"},
       {"doc", Spec::text(), "what the model is", std::nullopt, true},
       {"constants", Spec::map(scalar()), "named numbers and expressions", Json::object()},
       {"sizes", Spec::map(Spec::map(scalar())), "named sets of constants", Json::object()},
       {"inputs", inputs, "what is fed at every step"},
       {"blocks", Spec::map(block), "groups of nodes used by name", Json::object()},
       {"nodes", nodes, "the model's nodes"},
       {"loss", Spec::text(), "id of the node to minimise"},
       {"outputs", Spec::map(Spec::text()), "named results: name -> id of a node", Json::object()},
       {"exports", Spec::map(Spec::any()),
        "how files of other programs call the weights: program -> table; decides no number",
        Json::object()}});
}

}  // namespace reading

Spec model_spec(const OpSet& ops) {
  std::vector<std::pair<std::string, Spec>> choices;
  for (const auto& [name, card] : ops.cards()) choices.emplace_back(name, reading::op_node_spec(card, false));
  const Spec node = Spec::either({Spec::variant("op", std::move(choices)), reading::block_node_spec()});
  return reading::shell_spec(reading::inputs_spec(), node);
}

}  // namespace isorbit::core
