#include <algorithm>
#include <ostream>

#include "analysis/measure_set.hpp"
#include "core/graph/model_op.hpp"
#include "core/runtime/engine.hpp"
#include "experiments/method.hpp"
#include "experiments/program/command_line.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {
namespace {

std::string input_list(const core::OpCard& card) {
  std::string text;
  for (const core::InputSlot& slot : card.inputs)
    text += (text.empty() ? "" : ", ") + slot.name + (slot.optional ? "?" : "");
  return text;
}

std::string field_list(const std::vector<core::Field>& fields) {
  std::string text;
  for (const core::Field& field : fields) text += (text.empty() ? "" : ", ") + field.name;
  return text;
}

/// First those that models are written with.
void list_ops(std::ostream& out) {
  TextTable of_models({"op", "inputs", "attributes", "what it computes"}), others = of_models;
  for (const auto& [name, card] : every_op().cards())
    (core::is_model_op(card) ? of_models : others)
        .add({name, input_list(card), field_list(card.attributes), card.doc});
  out << of_models.text() << "\nmade by passes and by words of methods\n\n" << others.text();
}

template <class Word>
void add_words(TextTable& table, const char* slot, const std::vector<Word>& words) {
  for (const Word& word : words) table.add({slot, word.name, field_list(word.fields), word.doc});
}

void list_methods(std::ostream& out) {
  TextTable table({"slot", "word", "fields", "what it does"});
  const Vocabulary& words = Vocabulary::all();
  add_words(table, "parametrization", words.parametrizations);
  add_words(table, "update", words.updates);
  add_words(table, "event", words.events);
  add_words(table, "schedule", words.schedules);
  out << table.text();
}

void list_measures(std::ostream& out) {
  TextTable table({"measure", "unit", "what it is"});
  const analysis::MeasureSet measures;
  for (const analysis::Measure& measure : measures.all())
    table.add({measure.name, measure.unit, measure.doc});
  out << table.text();
}

}  // namespace

int list(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line("list ops|methods|engines|measures",
                   "What there is to write in documents, and to run them on.");
  if (!line.parse(console, arguments)) return 0;
  const std::vector<std::string> kinds = {"ops", "methods", "engines", "measures"};
  const std::string kind = line.first("kind: ops, methods, engines or measures");
  line.at_most(1);
  if (kind == "ops") {
    list_ops(console.out);
  } else if (kind == "methods") {
    list_methods(console.out);
  } else if (kind == "measures") {
    list_measures(console.out);
  } else if (kind == "engines") {
    for (const std::string& engine : core::describe_engines()) console.out << engine << "\n";
  } else {
    const auto near = core::nearest(kind, kinds);
    throw UsageError("found \"" + kind + "\"; expected one of ops, methods, engines, measures" +
                     (near ? "; did you mean " + *near + "?" : ""));
  }
  return 0;
}

}  // namespace isorbit::experiments::verb
