#include "experiments/training/cell_setup.hpp"

#include "core/document/digest.hpp"
#include "experiments/data/shared_sources.hpp"
#include "experiments/distributed/communicator.hpp"
#include "experiments/distributed/rank_batches.hpp"
#include "experiments/distributed/rank_model.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/weights.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {
namespace {

void check_inputs(const core::Model& model, const BatchSource& source, const std::string& corpus) {
  std::string offers;
  for (const InputDescription& d : source.inputs())
    offers += (offers.empty() ? "" : ", ") + d.name + " " + core::Shape(d.shape).text();
  for (const core::ModelInput& input : model.inputs) {
    if (gives(source, input)) continue;
    throw DataError("the model's input \"" + input.name + "\" is " + input.type.text() + "; corpus \"" +
                    corpus + "\" offers " + offers);
  }
}

int rank_of(const CellRequest& request) { return request.ranks == nullptr ? 0 : request.ranks->rank(); }
int ranks_of(const CellRequest& request) { return request.ranks == nullptr ? 1 : request.ranks->size(); }

/// Checks that there are as many ranks as the document asks for.
core::Model read_model_of(const CellRequest& request, const core::OpSet& ops) {
  const core::Document cell{"cell", request.document, {}};
  core::Model whole = core::read_model({"model", request.document.at("model"), {}}, ops);
  const int ranks = ranks_of(request);
  const std::int64_t asked = experiments::ranks_of(request.document);
  const std::int64_t batch = batch_request(whole, 1).batch;
  core::Problems problems;
  if (asked != ranks)
    problems.add(cell, "/training/ranks", std::to_string(asked), std::to_string(ranks),
                 "that is how many processes train it here; mpirun -n N starts N");
  else if (std::optional<core::Problem> misfit = misfit_of_ranks(cell, "/training/ranks", batch, ranks))
    problems.add(std::move(*misfit));
  problems.throw_if_any();
  return ranks == 1 ? whole : read_rank_model(request.document, ops);
}

std::shared_ptr<const BatchSource> part_of(const std::shared_ptr<const BatchSource>& whole, int rank,
                                           const CellRequest& request) {
  return ranks_of(request) == 1 ? whole : rank_batches(whole, rank, ranks_of(request));
}

/// All rows.
std::shared_ptr<const BatchSource> open_source(const CellRequest& request, const core::Model& model) {
  const core::Json& data = request.document.at("data");
  BatchRequest batches =
      batch_request(model, request.document.at("training").at("valid_targets").get<std::int64_t>());
  batches.batch *= ranks_of(request);
  const auto corpus = data.at("corpus").get<std::string>();
  const TokenizerChoice tokenizer = TokenizerChoice::from_json(data.at("tokenizer"));
  std::shared_ptr<const BatchSource> source =
      request.sources != nullptr ? request.sources->open(corpus, request.data_dir, tokenizer, batches)
                                 : open_batches(open_corpus(corpus, request.data_dir), tokenizer, batches);
  check_inputs(model, *part_of(source, 0, request), corpus);
  return source;
}

/// Reads the method and checks that it keeps the weights it is given.
Method read_method_of(const CellRequest& request, const core::Model& model) {
  const core::Document document{"method", request.document.at("method"), {}};
  Method method = read_method_for(model, document);
  core::Problems problems;
  if (request.document.contains("from")) check_given_weights(method, model, document, problems);
  problems.throw_if_any();
  return method;
}

}  // namespace

CellSetup::CellSetup(const CellRequest& request)
    : ops(ops::registered()),
      model(read_model_of(request, ops)),
      method(read_method_of(request, model)),
      source(open_source(request, model)),
      probe(part_of(source, 0, request)),
      targets_per_step(core::Shape(source->inputs().back().shape).elements() *
                       request.document.at("training").value("accumulate", std::int64_t{1})),
      cell_id(experiments::cell_id(request.document, source->data_sha256())) {
  if (!request.id.empty() && cell_id != request.id)
    throw DataError("corpus \"" + request.document.at("data").at("corpus").get<std::string>() + "\" in " +
                    request.data_dir.string() + " has changed since the cell " + request.id.substr(0, 8) +
                    " was planned; put the old files back and run again");
  source = part_of(source, rank_of(request), request);
}

core::TensorFile CellSetup::given_weights(const CellRequest& request) const {
  const core::Json& from = request.document.at("from");
  if (from.contains("sha256") && core::sha256_file(weights_file(request.from)) != from.at("sha256"))
    throw std::runtime_error(request.from.string() + ": has changed since the cell was planned");
  core::TensorFile weights =
      load_weights(request.from, {"model", request.document.at("model"), {}}, model, request.note);
  if (from.contains("cell"))
    check_identity(weights_file(request.from), cell_of(weights), from.at("cell").get<std::string>());
  return weights;
}

}  // namespace isorbit::experiments
