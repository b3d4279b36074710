#include "experiments/training/cell_document.hpp"

#include <algorithm>

#include "core/document/digest.hpp"
#include "core/document/spelling.hpp"
#include "experiments/task.hpp"

namespace isorbit::experiments {

namespace {

using core::Field;
using core::Json;
using core::Spec;

/// Keys that name things for people and decide no number, and those whose null stands for their absence.
Json without_cosmetics(const Json& value, bool top) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value) out.push_back(without_cosmetics(element, top));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [key, member] : value.items()) {
    const bool cosmetic = key.starts_with("x-") || key == "$schema" || key == "doc" ||
                          (top && (key == "name" || key == "exports")) || member.is_null();
    // A group of a method is named as a document is.
    if (!cosmetic) out[key] = without_cosmetics(member, top && key == "groups");
  }
  return out;
}

Json with_constants(const Json& root, const Json& size, const Json& overrides) {
  Json out = root;
  out.erase("sizes");
  for (const Json* source : {&size, &overrides}) {
    for (const auto& [name, value] : source->items()) out["constants"][name] = value;
  }
  if (out.contains("constants"))
    for (auto& [name, value] : out["constants"].items()) value = core::plain_constant(value);
  return out;
}

}  // namespace

Spec training_spec() {
  return Spec::object({
      Field{"steps", Spec::integer().at_least(1).at_most(1e9), "optimizer steps of a cell"},
      Field{"batch",
            Spec::integer().at_least(1).at_most(1 << 20),
            "sequences a step; the model's own where absent",
            {},
            true},
      Field{"accumulate",
            Spec::integer().at_least(1).at_most(1 << 20),
            "batches whose gradients are averaged before an update; 1 where absent",
            {},
            true},
      Field{"validate_every", Spec::integer().at_least(1), "steps between validations", 100},
      Field{"spectra_every", Spec::integer().at_least(1),
            "steps between singular values and measures, which are taken before the events of their step",
            200},
      Field{"checkpoint_every", Spec::integer().at_least(1), "steps between checkpoints", 200},
      Field{"valid_targets", Spec::integer().at_least(1),
            "tokens a validation covers, in whole windows of seq (or images); the same for every batch",
            32768},
      Field{"threads", Spec::integer().at_least(1).at_most(1024), "threads of one cell; part of its identity",
            2},
      Field{"ranks",
            Spec::integer().at_least(1).at_most(65536),
            "processes that share every batch, started by mpirun -n; part of its identity; 1 where absent",
            {},
            true},
      Field{"dtype", Spec::text().one_of({"f32", "bf16"}),
            "what matrix products read; weights, moments and sums are f32 (f32 where the CPU has no bf16)",
            "f32"},
      Field{
          "recompute", Spec::text().one_of({"none", "auto", "full"}),
          "activations computed again in the backward pass to save memory: none, the cheap ones, or all of a "
          "repeated block",
          "none"},
      Field{"on_defect",
            Spec::text().one_of({"fail", "warn"}),
            "what becomes of a run that breaks what its method keeps (singular values, logits); absent: "
            "certify tells afterwards",
            {},
            true},
      Field{"defect_tolerance",
            Spec::number().above(0),
            "for on_defect: largest drift of a singular value over the run, relative to the largest; 0.01",
            {},
            true},
      Field{"evaluate",
            Spec::list(Spec::text().one_of(task_names())).at_least_items(1),
            "tasks without training the last weights are tried on",
            {},
            true},
  });
}

Spec data_spec() {
  const Spec bpe =
      Spec::object({Field{"kind", Spec::text().one_of({"bpe"}), "byte-pair encoding by SentencePiece"},
                    Field{"vocab", Spec::integer().at_least(260).at_most(65536), "pieces", 4096}});
  return Spec::object({
      Field{"corpus", Spec::text(), "a folder of the data directory with train.txt and valid.txt, or images"},
      Field{"tokenizer", Spec::either({Spec::text().one_of({"bytes"}), bpe}), "of a text corpus", "bytes"},
  });
}

Json cell_document(const core::Document& model, const std::string& size, const Json& model_constants,
                   const core::Document& method, const Json& method_constants, const Json& data,
                   const Json& training, std::int64_t seed) {
  Json constants = model_constants;
  if (training.contains("batch")) constants["batch"] = training.at("batch");
  const Json sized = size.empty() ? Json::object() : model.root.at("sizes").at(size);
  Json document = Json::object();
  document["model"] = with_constants(model.root, sized, constants);
  document["method"] = with_constants(method.root, Json::object(), method_constants);
  document["data"] = data;
  document["training"] = training;
  document["seed"] = seed;
  return document;
}

BatchRequest batch_request(const core::Model& model, std::int64_t valid_targets) {
  BatchRequest request;
  request.valid_targets = valid_targets;
  for (const core::ModelInput& input : model.inputs) {
    const core::Shape& shape = input.type.shape;
    if (shape.rank() > 0) request.batch = shape[0];
    if (input.type.dtype == core::DType::s32 && shape.rank() == 2) request.seq = shape[1];
    if (input.below > 0) {
      request.vocab = request.vocab == 0 ? input.below : std::min(request.vocab, input.below);
    }
  }
  return request;
}

bool gives(const BatchSource& source, const core::ModelInput& input) {
  const std::vector<InputDescription> offered = source.inputs();
  return std::any_of(offered.begin(), offered.end(), [&](const InputDescription& o) {
    return o.name == input.name && o.shape == input.type.shape.dims() &&
           (o.type == InputType::s32) == (input.type.dtype == core::DType::s32);
  });
}

std::string model_id(const Json& document) {
  Json model = without_cosmetics(document.at("model"), true);
  if (document.at("training").contains("batch") && model.contains("constants"))
    model["constants"].erase("batch");
  return core::sha256_hex(core::canonical(model));
}

std::string cell_id(const Json& document, const std::string& data_sha256, std::int64_t schema_version) {
  Json identity = without_cosmetics(document, true);
  identity["model"] = without_cosmetics(document.at("model"), true);
  identity["method"] = without_cosmetics(document.at("method"), true);
  identity["data_sha256"] = data_sha256;
  identity["schema_version"] = schema_version;
  for (const char* count : {"accumulate", "ranks"})
    if (identity["training"].value(count, 2) == 1) identity["training"].erase(count);
  return core::sha256_hex(core::canonical(identity));
}

}  // namespace isorbit::experiments
