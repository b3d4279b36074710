#include "experiments/training/hugging_face.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>

#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/foreign_config.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_cell.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::StoredTensor;
using core::TensorFile;

ForeignTable table_of(const Json& document) {
  const core::Document model{"model", document.at("model"), {}};
  return read_foreign_table(model, core::read_model(model, every_op()), "hugging_face");
}

void expect_same(const TensorFile& a, const TensorFile& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const StoredTensor& tensor : a.tensors) {
    const StoredTensor& other = b.at(tensor.name);
    EXPECT_EQ(tensor.shape, other.shape) << tensor.name;
    EXPECT_EQ(tensor.data, other.data) << tensor.name;
  }
}

/// A file of theirs with one thing changed.
class BadFile : public ::testing::Test {
 protected:
  BadFile() : document_(small_.document("adamw")), table_(table_of(document_)) {
    const CellWeights cell = read_cell_weights(small_.complete(document_, "cell"));
    ours_ = cell.weights;
    write_hugging_face(folder_, table_, ours_);
    theirs_ = core::read_tensors(folder_ / "model.safetensors");
  }

  void write() const {
    std::vector<core::TensorView> views;
    for (const StoredTensor& t : theirs_.tensors) views.push_back({t.name, t.type, t.shape, t.data});
    core::write_tensors(folder_ / "model.safetensors", views);
  }
  std::string complaint() const {
    return message_of<std::runtime_error>([&] { (void)read_hugging_face(folder_, table_); });
  }
  StoredTensor& tensor(const std::string& name) {
    return *std::ranges::find_if(theirs_.tensors, [&](const StoredTensor& t) { return t.name == name; });
  }

  SmallCell small_;
  Json document_;
  ForeignTable table_;
  std::filesystem::path folder_ = small_.path() / "hf";
  TensorFile ours_, theirs_;
};

TEST(HuggingFace, EveryModelComesBackBitForBitPoetRunsAsOrdinaryOnes) {
  const SmallCell small;
  const std::pair<const char*, const char*> runs[] = {
      {"llama", "poet_bs"}, {"gpt2", "poet_bs"}, {"llama_qknorm", "adamw"}};
  for (const auto& [model, method] : runs) {
    SCOPED_TRACE(model);
    const Json document = small.document(method, Json::object(), Json::object(), model);
    const CellWeights cell = read_cell_weights(small.complete(document, model));
    EXPECT_EQ(cell.step, 10);
    const ForeignTable table = table_of(document);
    const std::filesystem::path folder = small.path() / (std::string("hf-") + model);
    write_hugging_face(folder, table, cell.weights);
    expect_same(cell.weights, read_hugging_face(folder, table));
    expect_same(cell.weights, read_hugging_face(folder / "model.safetensors", table));
    EXPECT_TRUE(is_foreign(core::read_tensors(folder / "model.safetensors"), table));
    EXPECT_FALSE(is_foreign(cell.weights, table));
  }
}

TEST(HuggingFace, NamesShapesAndConfigAreTheirs) {
  const SmallCell small;
  const std::filesystem::path cell = small.complete(small.document("adamw"), "cell");
  const Ran ran = run_program(small.path(), "export cell --format safetensors -o out");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.err, "21 tensors after step 10 in out/model.safetensors");
  const TensorFile file = core::read_tensors(small.path() / "out" / "model.safetensors");
  EXPECT_EQ(file.metadata.at("format"), "pt");
  using Dims = std::vector<std::int64_t>;
  EXPECT_EQ(file.at("model.embed_tokens.weight").shape, (Dims{256, 32}));
  EXPECT_EQ(file.at("model.layers.1.self_attn.q_proj.weight").shape, (Dims{32, 32}));
  EXPECT_EQ(file.at("model.layers.1.self_attn.k_proj.weight").shape, (Dims{16, 32})) << "two of four heads";
  EXPECT_EQ(file.at("model.layers.0.mlp.down_proj.weight").shape, (Dims{32, 48}));
  EXPECT_EQ(file.at("model.layers.0.post_attention_layernorm.weight").shape, (Dims{32}));
  EXPECT_EQ(file.at("lm_head.weight").shape, (Dims{256, 32}));
  const Json config = core::read_document(small.path() / "out" / "config.json").root;
  EXPECT_EQ(config.at("architectures")[0], "LlamaForCausalLM");
  EXPECT_EQ(config.at("num_key_value_heads"), 2);
  EXPECT_EQ(config.at("head_dim"), 8);
  EXPECT_TRUE(config.at("hidden_size").is_number_integer());
  EXPECT_EQ(config.at("tie_word_embeddings"), false);
}

TEST(HuggingFace, ATiedHeadIsWrittenOnce) {
  const SmallCell small;
  const Json document = small.document("adamw", Json::object(), Json::object(), "llama", {{"tied", 1}});
  const ForeignTable table = table_of(document);
  EXPECT_EQ(table.config.at("tie_word_embeddings"), true);
  EXPECT_EQ(table.tensors.size(), 20U);
  EXPECT_EQ(table.tensors.front().theirs, "model.embed_tokens.weight");
}

TEST(HuggingFace, MatricesThatTheyStoreTransposedAndJoinedAreSo) {
  const SmallCell small;
  const Json document = small.document("adamw", Json::object(), Json::object(), "gpt2");
  const CellWeights cell = read_cell_weights(small.complete(document, "cell"));
  write_hugging_face(small.path() / "hf", table_of(document), cell.weights);
  const TensorFile file = core::read_tensors(small.path() / "hf" / "model.safetensors");
  const StoredTensor& joined = file.at("transformer.h.1.attn.c_attn.weight");
  ASSERT_EQ(joined.shape, (std::vector<std::int64_t>{32, 96}));
  const std::vector<float> theirs = joined.values<float>(),
                           k = cell.weights.at("layers.1.attn.k.weight").values<float>();
  for (std::size_t out = 0; out < 32; ++out)
    for (std::size_t in = 0; in < 32; ++in) EXPECT_EQ(theirs[in * 96 + 32 + out], k[out * 32 + in]);
}

TEST(HuggingFace, AStoppedCellGivesTheWeightsOfItsCheckpoint) {
  const SmallCell small;
  CellRequest request = small.request(small.document("poet_bs"), "stopped");
  std::atomic<int> stop{0};
  request.stop = &stop;
  request.progress = [&](const Progress& p) { stop = p.step == 7 ? 1 : 0; };
  ASSERT_EQ(run_cell(request).outcome, Outcome::stopped);
  const Ran ran = run_program(small.path(), "export stopped --format safetensors");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.err, "after step 7 in stopped/hugging_face/model.safetensors");
  expect_same(read_cell_weights(request.folder).weights,
              read_hugging_face(request.folder / "hugging_face", table_of(request.document)));
}

TEST(HuggingFace, WhatIsNoCellIsSaid) {
  const SmallCell small;
  EXPECT_HOLDS(run_program(small.path(), "export data --format safetensors").err, "neither run.h5 nor");
  EXPECT_HOLDS(run_program(small.path(), "export nowhere --format safetensors").err,
               "nowhere: found nothing");
}

TEST_F(BadFile, HalvesAreWidenedExactlyAndSaid) {
  StoredTensor& norm = tensor("model.norm.weight");
  norm.type = core::StoredType::bf16;
  norm.data.assign(64, std::byte{0x40});  // 0x4040 = 3.0
  StoredTensor& first = tensor("model.layers.0.input_layernorm.weight");
  first.type = core::StoredType::f16;
  first.data.assign(64, std::byte{0x3c});
  const std::uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0xfbff};  // 1, -2, 2^-24, 65504, -65504
  std::memcpy(first.data.data(), halves, sizeof halves);
  write();
  std::vector<std::string> notes;
  const TensorFile read =
      read_hugging_face(folder_, table_, [&](const std::string& text) { notes.push_back(text); });
  EXPECT_EQ(read.at("norm.weight").values<float>(), std::vector<float>(32, 3.0f));
  const std::vector<float> n1 = read.at("layers.0.n1.weight").values<float>();
  const std::vector<float> expected = {1, -2, 0x1p-24f, 65504, -65504};
  EXPECT_EQ(std::vector<float>(n1.begin(), n1.begin() + 5), expected);
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_HOLDS(notes[0], "1 tensors of BF16 were widened to F32");
  const core::Document model{"model", document_.at("model"), {}};
  (void)load_weights(folder_, model, core::read_model(model, every_op()),
                     [&](const std::string& text) { notes.push_back(text); });
  EXPECT_EQ(notes.size(), 4U) << "whoever starts from such a file is told";
}

TEST_F(BadFile, IsRefusedWithEveryTensorThatIsWrong) {
  tensor("model.norm.weight").name = "model.nrom.weight";
  tensor("model.layers.0.self_attn.k_proj.weight").shape = {32, 16};
  StoredTensor& head = tensor("lm_head.weight");
  head.type = core::StoredType::i32;
  write();
  const std::string said = complaint();
  EXPECT_HOLDS(said,
               "tensor \"model.norm.weight\": found none; expected F32 of shape [32] for \"norm.weight\"");
  EXPECT_HOLDS(said, "tensor \"model.nrom.weight\": found a name the model has no weight for");
  EXPECT_HOLDS(said, "did you mean \"model.norm.weight\"?");
  EXPECT_HOLDS(
      said,
      "tensor \"model.layers.0.self_attn.k_proj.weight\": found F32 of shape [32,16]; expected F32 of "
      "shape [16,32] for \"layers.0.attn.k.weight\"");
  EXPECT_HOLDS(said, "tensor \"lm_head.weight\": found I32 of shape [256,32]; expected F32");
}

TEST_F(BadFile, ACutFileIsRefused) {
  std::filesystem::resize_file(folder_ / "model.safetensors", 20000);
  EXPECT_HOLDS(complaint(), "cut off");
}

TEST_F(BadFile, AnotherModelsConfigIsRefused) {
  Json config = core::read_document(folder_ / "config.json").root;
  config["rope_theta"] = 500000.0;
  config["torch_dtype"] = "bfloat16";
  std::ofstream(folder_ / "config.json") << config.dump();
  EXPECT_HOLDS(complaint(),
               "config.json: \"rope_theta\": found 500000.0; expected 10000.0, as the model has it");
}

/// The config.json of a small model of theirs after a JSON merge patch, in which null takes a key away.
std::string misfits(const std::string& model, const char* patch, const Json& constants = Json::object()) {
  const SmallCell small;
  const ForeignTable table =
      table_of(small.document("adamw", Json::object(), Json::object(), model, constants));
  Json config = table.config;
  config.merge_patch(Json::parse(patch));
  std::string all;
  for (const std::string& misfit : misfits_of_config(config, table)) all += misfit + "\n";
  return all;
}

TEST(ForeignConfig, EveryKeyThatChangesWhatIsComputedIsRefusedByNameWithItsValue) {
  const char* const patches[][2] = {
      {R"({"rope_theta": 500000.0})", "\"rope_theta\": found 500000.0; expected 10000.0"},
      {R"({"rope_theta": null, "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}})",
       "\"rope_parameters.rope_theta\": found 500000.0; expected 10000.0"},
      {R"({"rope_parameters": {"rope_theta": 500000.0}})", "\"rope_parameters.rope_theta\": found 500000.0"},
      {R"({"rope_parameters": {"rope_type": "llama3"}})",
       "\"rope_parameters.rope_type\": found \"llama3\"; expected \"default\""},
      {R"({"rope_scaling": {"type": "linear", "factor": 2.0}})", "\"rope_scaling.factor\": found 2.0"},
      {R"({"rope_scaling": {"type": "linear"}})", "\"rope_scaling.type\": found \"linear\""},
      {R"({"partial_rotary_factor": 0.5})", "\"partial_rotary_factor\": found 0.5; expected 1.0"},
      {R"({"attention_bias": true})", "\"attention_bias\": found true; expected false"},
      {R"({"mlp_bias": true})", "\"mlp_bias\": found true; expected false"},
      {R"({"hidden_act": "gelu"})", "\"hidden_act\": found \"gelu\"; expected \"silu\" or \"swish\""},
      {R"({"rms_norm_eps": 1e-5})", "\"rms_norm_eps\": found 1e-05; expected 1e-06"},
      {R"({"head_dim": 16})", "\"head_dim\": found 16; expected 8"},
      {R"({"num_key_value_heads": null})",
       "\"num_key_value_heads\": found none, which stands for 4; expected 2"},
      {R"({"num_attention_heads": null})", "\"num_attention_heads\": found none; expected 4"},
      {R"({"model_type": "mistral"})", "\"model_type\": found \"mistral\"; expected \"llama\""},
      {R"({"sliding_window": 4096})", "\"sliding_window\": found 4096; expected no such key"},
      {R"({"attention_multiplier": 0.1})", "\"attention_multiplier\": found 0.1; expected no such key"},
      {R"({"quantization_config": {"bits": 4}})", "\"quantization_config.bits\": found 4; expected no such"},
      {R"({"tie_word_embeddings": true})", "\"tie_word_embeddings\": found true; expected false"}};
  for (const auto& [patch, said] : patches) EXPECT_HOLDS(misfits("llama", patch), said);
  EXPECT_HOLDS(misfits("llama", R"({"tie_word_embeddings": null})", {{"tied", 1}}),
               "\"tie_word_embeddings\": found none, which stands for false; expected true");
  EXPECT_HOLDS(misfits("llama_qknorm", R"({"head_dim": null})"),
               "found none, which stands for 128; expected 8");
  EXPECT_HOLDS(misfits("llama_qknorm", R"({"layer_types": ["full_attention", "sliding_attention"]})"),
               "\"layer_types\": found \"sliding_attention\"; expected \"full_attention\"");
  EXPECT_HOLDS(misfits("gpt2", R"({"n_inner": 64})", {{"ffn", 128}}), "\"n_inner\": found 64; expected 128");
  EXPECT_HOLDS(misfits("gpt2", R"({"activation_function": "gelu"})"), "found \"gelu\"; expected");
}

TEST(ForeignConfig, WhatChangesNothingIsTakenAndAnAbsentKeyIsWhatItIsForThem) {
  for (const char* model : {"llama", "llama_qknorm", "gpt2"}) EXPECT_EQ(misfits(model, "{}"), "") << model;
  for (const char* patch :
       {R"({"rope_theta": null, "rope_parameters": {"rope_theta": 10000, "rope_type": "default"}})",
        R"({"rope_theta": null, "rms_norm_eps": null, "hidden_act": null, "head_dim": null})",
        R"({"attention_bias": null, "mlp_bias": null, "tie_word_embeddings": null})",
        R"({"hidden_act": "swish", "attention_dropout": 0.1, "max_position_embeddings": 4096})",
        R"({"bos_token_id": 1, "eos_token_id": [2, 3], "transformers_version": "5.0", "dtype": "bfloat16"})"})
    EXPECT_EQ(misfits("llama", patch), "") << patch;
  EXPECT_EQ(misfits("llama_qknorm", R"({"sliding_window": 4096, "layer_types": ["full_attention"]})"), "");
  EXPECT_EQ(
      misfits("gpt2", R"({"n_inner": null, "attn_pdrop": 0.1, "activation_function": "gelu_pytorch_tanh"})",
              {{"ffn", 128}}),
      "");
}

TEST(ForeignConfig, ATiedModelTakesAHeadOfTheSameNumbersAndNoOther) {
  const SmallCell small;
  const Json document = small.document("adamw", Json::object(), Json::object(), "llama", {{"tied", 1}});
  const ForeignTable table = table_of(document);
  write_hugging_face(small.path() / "hf", table, read_cell_weights(small.complete(document, "cell")).weights);
  const std::filesystem::path file = small.path() / "hf" / "model.safetensors";
  TensorFile theirs = core::read_tensors(file);
  StoredTensor head = theirs.at("model.embed_tokens.weight");
  head.name = "lm_head.weight";
  theirs.tensors.push_back(head);
  const auto read = [&] {
    std::vector<core::TensorView> views;
    for (const StoredTensor& t : theirs.tensors) views.push_back({t.name, t.type, t.shape, t.data});
    core::write_tensors(file, views);
    return read_hugging_face(file, table);
  };
  EXPECT_EQ(read().tensors.size(), 20U);
  theirs.tensors.back().data[5] ^= std::byte{1};
  EXPECT_HOLDS(message_of<std::runtime_error>([&] { (void)read(); }),
               "tensor \"lm_head.weight\": found other numbers than in \"model.embed_tokens.weight\"");
}

TEST_F(BadFile, WithoutAConfigIsTakenForTheModelsAndThatIsSaid) {
  std::filesystem::remove(folder_ / "config.json");
  std::string said;
  (void)read_hugging_face(folder_, table_, [&](const std::string& text) { said += text; });
  EXPECT_HOLDS(said, "no config.json is beside it");
}

TEST(ForeignTable, AWrongTableIsExplainedAtItsPlace) {
  const SmallCell small;
  Json model = small.document("adamw").at("model");
  Json& tensors = model["exports"]["hugging_face"]["tensors"];
  tensors["model.norm.weight"] = "nrom.weight";
  tensors["model.layers.*.mlp.up_proj.weight"] = "layers.0.mlp.up.weight";
  model["exports"]["hugging_face"]["numbers"]["vocab_size"] = "vocabulary";
  const core::Document document{"m.json", model, {}};
  const core::Model read = core::read_model(document, every_op());
  EXPECT_HOLDS(
      message_of<core::DocumentError>([&] { (void)read_foreign_table(document, read, "hugging_face"); }),
      "vocabulary");
  model["exports"]["hugging_face"]["numbers"]["vocab_size"] = "vocab";
  const core::Document mended{"m.json", model, {}};
  const std::string said =
      message_of<core::DocumentError>([&] { (void)read_foreign_table(mended, read, "hugging_face"); });
  EXPECT_HOLDS(said,
               "#/exports/hugging_face/tensors/model.norm.weight: found \"nrom.weight\"; expected a pattern");
  EXPECT_HOLDS(said, "as many stars as in");
  EXPECT_HOLDS(said, "found no name for weight \"layers.0.mlp.up.weight\" and 2 more");
  EXPECT_HOLDS(message_of<core::DocumentError>([&] { (void)read_foreign_table(mended, read, "onnx"); }),
               "the model has tables for hugging_face");
}

}  // namespace
}  // namespace isorbit::experiments
