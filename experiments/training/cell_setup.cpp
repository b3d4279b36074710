#include "experiments/training/cell_setup.hpp"

#include "experiments/data/shared_sources.hpp"
#include "experiments/training/cell_document.hpp"
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

std::shared_ptr<const BatchSource> open_source(const CellRequest& request, const core::Model& model) {
  const core::Json& data = request.document.at("data");
  const BatchRequest batches =
      batch_request(model, request.document.at("training").at("valid_targets").get<std::int64_t>());
  const auto corpus = data.at("corpus").get<std::string>();
  const TokenizerChoice tokenizer = TokenizerChoice::from_json(data.at("tokenizer"));
  std::shared_ptr<const BatchSource> source =
      request.sources != nullptr ? request.sources->open(corpus, request.data_dir, tokenizer, batches)
                                 : open_batches(open_corpus(corpus, request.data_dir), tokenizer, batches);
  check_inputs(model, *source, corpus);
  return source;
}

}  // namespace

CellSetup::CellSetup(const CellRequest& request)
    : ops(ops::registered()),
      model(core::read_model({"model", request.document.at("model"), {}}, ops)),
      method(read_method_for(model, {"method", request.document.at("method"), {}})),
      source(open_source(request, model)),
      targets_per_step(core::Shape(source->inputs().back().shape).elements()),
      cell_id(experiments::cell_id(request.document, source->data_sha256())) {}

}  // namespace isorbit::experiments
