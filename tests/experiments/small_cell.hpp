// A cell of a shipped model and method that trains in seconds on a small text.
#pragma once
#include <string>

#include "experiments/sweep/publication.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/trainer.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {

class SmallCell {
 public:
  SmallCell() {
    folder_.write("data/toy/train.txt", made_text(20000));
    folder_.write("data/toy/valid.txt", made_text(4000, 2));
  }

  /// Methods and models by the names of their files; `training` over steps, validate_every, ...
  [[nodiscard]] core::Json document(const std::string& method,
                                    core::Json method_constants = core::Json::object(),
                                    const core::Json& training = core::Json::object(),
                                    const std::string& model = "llama",
                                    const core::Json& model_constants = core::Json::object()) const {
    const core::Document m = core::read_document(source("models/" + model + ".json"));
    const core::Document words = core::read_document(source("methods/" + method + ".json"));
    const core::Json small_method{{"merge_every", 5}, {"every", 5}, {"block_size", 16}, {"warmup", 2}};
    for (const auto& [name, value] : small_method.items())
      if (words.root.at("constants").contains(name) && !method_constants.contains(name))
        method_constants[name] = value;
    core::Json constants = core::Json::object();
    const core::Json small{{"batch", 4}, {"seq", 16},     {"depth", 2}, {"width", 32},
                           {"heads", 4}, {"kv_heads", 2}, {"ffn", 48}};
    for (const auto& [name, value] : small.items())
      if (m.root.at("constants").contains(name)) constants[name] = value;
    constants.update(model_constants);
    core::Json asked{{"steps", 10},           {"validate_every", 10}, {"spectra_every", 5},
                     {"checkpoint_every", 4}, {"valid_targets", 128}, {"threads", 1}};
    asked.update(training);
    core::Problems problems;
    const core::Document nowhere{"test", core::Json::object(), {}};
    const core::Json resolved = core::resolve(asked, training_spec(), {&nowhere, "", nullptr}, problems);
    problems.throw_if_any();
    return cell_document(m, "", constants, words, method_constants,
                         {{"corpus", "toy"}, {"tokenizer", "bytes"}}, resolved, 5);
  }

  [[nodiscard]] CellRequest request(const core::Json& document, const std::string& name) const {
    CellRequest request;
    request.document = document;
    request.folder = folder_.path() / name;
    request.data_dir = folder_.path() / "data";
    return request;
  }

  /// Trains to the end and publishes; the cell's folder.
  [[nodiscard]] std::filesystem::path complete(const core::Json& document, const std::string& name) const {
    CellRequest wanted = request(document, name);
    const std::filesystem::path cell_folder = wanted.folder;
    wanted.folder /= "attempt-0001";
    const CellResult result = run_cell(wanted);
    EXPECT_EQ(result.outcome, Outcome::complete) << result.reason;
    EXPECT_TRUE(publish_attempt(wanted.folder));
    return cell_folder;
  }

  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  static std::filesystem::path source(const std::string& path) {
    return std::filesystem::path(ISORBIT_SOURCE_DIR) / "experiments" / path;
  }
  TemporaryFolder folder_;
};

}  // namespace isorbit::experiments
