#include "experiments/sweep/resolve_cells.hpp"

#include <algorithm>

#include "core/passes/summary.hpp"
#include "experiments/data/validation_set.hpp"
#include "experiments/distributed/rank_model.hpp"
#include "experiments/sweep/labels.hpp"
#include "experiments/sweep/missing_corpus.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/weights.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::shown;

/// Singular values of every matrix at every snapshot, as f32.
double spectra_bytes(const core::Graph& graph, std::int64_t snapshots) {
  double values = 0;
  for (const core::Parameter& p : graph.parameters) {
    const core::Shape& shape = graph.shape(p.value);
    if (shape.rank() == 2) values += static_cast<double>(std::min(shape[0], shape[1]));
  }
  return 4 * values * static_cast<double>(snapshots);
}

std::string type_text(const std::string& name, const std::vector<std::int64_t>& dims, bool integers) {
  return shown(Json(name)) + " " +
         core::TensorType{core::Shape(dims), integers ? core::DType::s32 : core::DType::f32}.text();
}

/// Tensors without an entry that is not zero.
std::set<std::string> zeros_in(const core::TensorFile& file) {
  std::set<std::string> zeros;
  for (const core::StoredTensor& tensor : file.tensors)
    if (std::ranges::all_of(core::widened(tensor), [](float x) { return x == 0; })) zeros.insert(tensor.name);
  return zeros;
}

/// The problems that `read` throws.
template <class Read>
std::set<std::string> texts_of(const Read& read) {
  std::set<std::string> texts;
  try {
    read();
  } catch (const core::DocumentError& error) {
    for (const core::Problem& problem : error.problems()) texts.insert(problem.text());
  }
  return texts;
}

}  // namespace

const core::OpSet& every_op() {
  static const core::OpSet ops(isorbit::ops::registered());
  return ops;
}

void CellResolver::add(core::Problem problem) {
  if (reported_.insert(problem.text()).second) problems_.add(std::move(problem));
}

void CellResolver::add(std::span<const core::Problem> problems, const std::set<std::string>& without,
                       const std::string& context) {
  for (core::Problem problem : problems) {
    const std::string text = problem.text();
    if (!reported_.insert(text).second) continue;
    if (!context.empty() && !without.contains(text))
      problem.because += (problem.because.empty() ? "with " : ", with ") + context;
    problems_.add(std::move(problem));
  }
}

std::string CellResolver::model_key(const Candidate& c) const {
  const Json batch = c.training.contains("batch") ? c.training.at("batch") : Json();
  return s_.models[c.arm]->file + '\n' + Json{c.size, c.model_constants, batch}.dump();
}

const core::Model* CellResolver::model_of(const Candidate& c, const std::string& key) {
  if (const auto it = models_.find(key); it != models_.end()) return it->second.get();
  std::shared_ptr<core::Model> model;
  Json constants = c.model_constants;
  if (c.training.contains("batch")) constants["batch"] = c.training.at("batch");
  try {
    model = std::make_shared<core::Model>(core::read_model(*s_.models[c.arm], every_op(), c.size, constants));
  } catch (const core::DocumentError& error) {
    add(error.problems(), texts_of([&] { (void)core::read_model(*s_.models[c.arm], every_op(), c.size); }),
        constants_text("model", c.model_constants));
  }
  return (models_[key] = model).get();
}

const Method* CellResolver::method_of(const Candidate& c, const std::string& key) {
  if (const auto it = methods_.find(key); it != methods_.end()) return it->second.get();
  std::shared_ptr<Method> method;
  try {
    method = std::make_shared<Method>(read_method(*s_.methods[c.arm], c.method_constants));
  } catch (const core::DocumentError& error) {
    add(error.problems(), texts_of([&] { (void)read_method(*s_.methods[c.arm]); }),
        constants_text("method", c.method_constants));
  }
  return (methods_[key] = method).get();
}

/// Where the candidate's field of data stands: in its arm, where that has it otherwise.
std::string CellResolver::data_pointer(const Candidate& c, const std::string& field) const {
  const bool own = s_.fields(c.arm).at("data").contains(field);
  return (own ? s_.arm_pointer(c.arm) : "") + "/data/" + field;
}

/// Which arm it is, where its model or data are not the sweep's; else empty.
std::string CellResolver::own_arm(const Candidate& c) const {
  const Json& arm = s_.fields(c.arm);
  if (arm.at("model").empty() && arm.at("data").empty()) return {};
  return "arm " + shown(Json(arms_[c.arm])) + " trains " + s_.models[c.arm]->file;
}

void CellResolver::check_inputs(const Candidate& c, const core::Model& model, const BatchSource& source) {
  const std::string at = data_pointer(c, "corpus");
  const std::vector<InputDescription> offered = source.inputs();
  std::string list;
  for (const InputDescription& input : offered)
    list += (list.empty() ? "" : ", ") + type_text(input.name, input.shape, input.type == InputType::s32);
  for (const core::ModelInput& input : model.inputs) {
    if (gives(source, input)) continue;
    add({s_.document.file,
         s_.document.position(at),
         at,
         shown(c.data.at("corpus")) + ", which gives " + list,
         "a corpus that gives the model's input " +
             type_text(input.name, input.type.shape.dims(), input.type.dtype == core::DType::s32),
         own_arm(c),
         {}});
  }
}

std::shared_ptr<BatchSource> CellResolver::open_data(const Candidate& c, const core::Model& model) {
  const std::string corpus = c.data.at("corpus").get<std::string>();
  const std::string at = data_pointer(c, "corpus");
  if (std::optional<core::Problem> missing = missing_corpus(s_.document, corpus, data_dir_, at)) {
    add(std::move(*missing));
    return nullptr;
  }
  try {
    const BatchRequest request = batch_request(model, c.training.at("valid_targets").get<std::int64_t>());
    const Corpus opened = open_corpus(corpus, data_dir_);
    const TokenizerChoice tokenizer = TokenizerChoice::from_json(c.data.at("tokenizer"));
    std::shared_ptr<BatchSource> source = open_batches(opened, tokenizer, request);
    validated_on_[source.get()] = validation_sha256(opened, tokenizer, request, source->data_sha256());
    return source;
  } catch (const DataError& error) {
    add({s_.document.file,
         s_.document.position("/data"),
         "/data",
         shown(c.data),
         "data the model can be trained on",
         (own_arm(c).empty() ? "" : own_arm(c) + ", and ") + error.what(),
         {}});
  }
  return nullptr;
}

const BatchSource* CellResolver::data_of(const Candidate& c, const core::Model& model) {
  std::string key = c.data.dump() + '\n' + c.training.at("valid_targets").dump();
  for (const core::ModelInput& input : model.inputs)
    key += '\n' + input.name + input.type.text() + std::to_string(input.below);
  const auto it = data_.find(key);
  if (it != data_.end()) return it->second.get();
  const std::shared_ptr<BatchSource> source = data_[key] = open_data(c, model);
  if (source) check_inputs(c, model, *source);
  return source.get();
}

void CellResolver::check(const Candidate& c, const Method& method, const core::Model& model) {
  const core::Document& document = *s_.methods[c.arm];
  core::Problems found;
  check_method(method, model, document, found);
  if (found.empty()) return;
  std::string context = constants_text("method", c.method_constants);
  const std::string outer = constants_text("model", c.model_constants);
  context += (context.empty() || outer.empty() ? "" : ", ") + outer;
  const std::set<std::string> without = texts_of(
      [&] { (void)read_method_for(core::read_model(*s_.models[c.arm], every_op(), c.size), document); });
  add(taken(found), without, context);
}

void CellResolver::check_ranks(const Candidate& c, const core::Model& model) {
  const std::int64_t ranks = c.training.value("ranks", std::int64_t{1}),
                     batch = batch_request(model, 1).batch;
  if (ranks == 1) return;
  const bool own = s_.fields(c.arm).at("training").contains("ranks");
  const std::string at = (own ? s_.arm_pointer(c.arm) : "") + "/training/ranks";
  if (std::optional<core::Problem> misfit = misfit_of_ranks(s_.document, at, batch, ranks)) {
    add(std::move(*misfit));
    return;
  }
  try {
    (void)read_rank_model(*s_.models[c.arm], every_op(), c.size, c.model_constants, batch, ranks);
  } catch (const core::DocumentError& error) {
    add(error.problems(), {}, std::to_string(ranks) + " ranks");
  }
}

/// What keeps a cell from starting there; empty: nothing.
std::string CellResolver::misfit_of_start(const Candidate& c, const Method& method, const core::Model& model,
                                          const CellStart& from, const Candidate* source) {
  if (source != nullptr) {
    const core::Model* other = model_of(*source, model_key(*source));
    return other == nullptr ? "" : misfit_of(shapes_of(model), shapes_of(*other));
  }
  try {
    const core::TensorFile file =
        load_weights(from.file, *s_.models[c.arm], model, [&](const std::string& note) {
          if (std::ranges::find(notes_, note) == notes_.end()) notes_.push_back(note);
        });
    effects_.given(c, method, model, zeros_in(file));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

void CellResolver::check_start(const Candidate& c, const Method& method, const core::Model& model,
                               const CellStart& from, const Candidate* source) {
  core::Problems found;
  check_given_weights(method, model, *s_.methods[c.arm], found);
  const std::string at = s_.arm_pointer(c.arm) + "/from";
  add(taken(found), {}, "the weights of " + s_.document.file + " #" + at);
  if (std::string misfit = misfit_of_start(c, method, model, from, source); !misfit.empty())
    add({s_.document.file,
         s_.document.position(at),
         at,
         shown(s_.fields(c.arm).at("from")),
         "weights of the model",
         std::move(misfit),
         {}});
}

Cell CellResolver::resolve(const Candidate& c, std::optional<CellStart> from, const Candidate* source) {
  Cell cell;
  cell.arm = arms_[c.arm];
  cell.changed = c.changed;
  cell.seed = c.seed;
  const std::string key = model_key(c);
  const std::string method_key = std::to_string(c.arm) + c.method_constants.dump();
  const core::Model* model = model_of(c, key);
  const Method* method = method_of(c, method_key);
  if (model != nullptr && method != nullptr && checked_.insert(key + '\n' + method_key).second) {
    check(c, *method, *model);
    if (from) check_start(c, *method, *model, *from, source);
  }
  const BatchSource* data = model != nullptr ? data_of(c, *model) : nullptr;
  if (model != nullptr) check_ranks(c, *model);
  if (model == nullptr || method == nullptr || data == nullptr) return cell;
  cell.document = cell_document(*s_.models[c.arm], c.size, c.model_constants, *s_.methods[c.arm],
                                c.method_constants, c.data, c.training, c.seed);
  if (from && !from->id.empty())
    cell.document["from"] = {{"cell", from->id}, {"x-arm", from->arm}};
  else if (from)
    cell.document["from"] = {{"sha256", from->sha256}, {"x-file", from->file.string()}};
  cell.from = std::move(from);
  cell.id = cell_id(cell.document, data->data_sha256());
  cell.facts.steps = c.training.at("steps").get<std::int64_t>();
  const std::int64_t targets = core::Shape(data->inputs().back().shape).elements() *
                               c.training.value("accumulate", std::int64_t{1});  // of a step
  cell.facts.tokens = cell.facts.steps * targets;
  cell.facts.batch = data->inputs().front().shape.front();
  cell.facts.valid_batches = data->valid_batches();
  for (const core::Parameter& p : model->graph.parameters) {
    if (model->graph.shape(p.value).rank() != 2) continue;
    ++cell.facts.matrices;
    const auto group = method->group_of(model->graph.value(p.value).name);
    if (group && method->groups[*group].parametrization.word->coordinates) ++cell.facts.parametrized;
  }
  const auto [facts, is_new] = model_facts_.try_emplace(key);
  if (is_new) facts->second = {model_id(cell.document), core::summarize(model->graph).parameters};
  cell.facts.parameters = facts->second.parameters;
  const std::int64_t every = c.training.at("spectra_every").get<std::int64_t>();
  const std::int64_t snapshots =
      1 + (cell.facts.steps + every - 1) / every;  // the first and the last included
  cell.facts.spectra_bytes = spectra_bytes(model->graph, snapshots);
  cell.facts.model = facts->second.id;
  cell.facts.data = c.data.at("corpus").get<std::string>() + " " +
                    TokenizerChoice::from_json(c.data.at("tokenizer")).label();
  cell.facts.data_sha256 = data->data_sha256();
  cell.facts.targets_sha256 = validated_on_.at(data);
  cell.facts.unigram_entropy = data->unigram_entropy();
  effects_.add(c, *method, *model, cell);
  return cell;
}

}  // namespace isorbit::experiments
