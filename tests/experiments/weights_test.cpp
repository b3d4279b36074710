// Whole runs that start from the weights of others.
#include "experiments/training/weights.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/record/run_file.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/runner.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/checkpoint.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

class PretrainedRun : public testing::Test {
 protected:
  PretrainedRun() {
    Json poet = core::read_document(small_.path() / "poet.json").root;
    poet["groups"][0]["parametrization"]["init"] = "model";
    write("kept.json", poet);
    Json drawn = core::read_document(small_.path() / "poet.json").root;
    drawn["groups"][0]["events"][0]["every"] = 3;
    write("drawn.json", drawn);
    request_.folder = small_.path() / "runs";
    request_.data_dir = small_.path() / "data";
    request_.run = [this](const CellRequest& request) {  // a checkpoint goes when its cell is published
      const CellResult result = run_cell(request);
      if (std::filesystem::exists(checkpoint_path(request.folder)))
        std::filesystem::copy_file(checkpoint_path(request.folder), checkpoint_,
                                   std::filesystem::copy_options::overwrite_existing);
      return result;
    };
  }
  void write(const std::string& name, const Json& document) const {
    std::ofstream(small_.path() / name) << document.dump();
  }
  Sweep sweep(const Json& arms) const {
    Json document = small_.document();
    document["arms"] = arms;
    document["seeds"] = {0};
    document["compare"] = Json::object();
    small_.write(document);
    return small_.read({"training.threads=1", "training.steps=5"});
  }
  void run(const Sweep& sweep) const {
    RunObserver silent;
    EXPECT_EQ(run_cells(sweep.cells, request_, silent).exit_code(), 0);
  }
  std::filesystem::path folder(const Cell& cell) const { return request_.folder / cell.folder; }
  std::vector<double> column(const Cell& cell, const char* series, const char* name) const {
    return core::read_run(folder(cell) / "run.h5").at(series).at(name).doubles();
  }

  SmallSweep small_;
  RunRequest request_;
  const std::filesystem::path checkpoint_ = small_.path() / "last_checkpoint.safetensors";
};

TEST_F(PretrainedRun, BeginsWhereTheOtherEndedWithFreshMoments) {
  const Sweep s = sweep({{"before", {{"method", "adamw.json"}}},
                         {"after", {{"method", "adamw.json"}, {"from", "before"}}},
                         {"alone", {{"method", "adamw.json"}, {"set", {{"warmup", 2}}}}}});
  run(s);
  const std::vector<double> before = column(s.cells[0], "valid", "loss"),
                            after = column(s.cells[1], "valid", "loss");
  EXPECT_EQ(after.front(), before.back()) << "the same weights on the same text";
  EXPECT_LT(after.back(), before.back());
  EXPECT_EQ(column(s.cells[1], "train", "step").front(), 1) << "steps are counted anew";
  EXPECT_EQ(column(s.cells[1], "train", "learning_rate"), column(s.cells[0], "train", "learning_rate"));
}

TEST_F(PretrainedRun, MayChangeTheMethod) {
  const Sweep s = sweep({{"poet", {{"method", "drawn.json"}}},
                         {"dense", {{"method", "adamw.json"}, {"from", "poet"}}},
                         {"kept", {{"method", "kept.json"}, {"from", "dense"}}}});
  run(s);
  const auto close = [&](const Cell& a, const Cell& b) {
    const double end = column(a, "valid", "loss").back(), start = column(b, "valid", "loss").front();
    EXPECT_NEAR(start, end, 1e-5 * end);
  };
  close(s.cells[0], s.cells[1]);  // realized weights, between two merges
  close(s.cells[1], s.cells[2]);
  const core::TensorFile given = core::read_tensors(weights_path(folder(s.cells[1])));
  const core::RunRecord record = core::read_run(folder(s.cells[2]) / "run.h5");
  EXPECT_EQ(Json::parse(record.config).at("from").at("cell"), s.cells[1].id);
  EXPECT_EQ(given.metadata.at("cell_id"), s.cells[1].id);
}

TEST_F(PretrainedRun, ReadsAFileAndTheCheckpointOfACell) {
  run(sweep({{"poet", {{"method", "drawn.json"}}}}));
  const Sweep source = sweep({{"poet", {{"method", "drawn.json"}}}});
  const double end = column(source.cells[0], "valid", "loss").back();
  const std::filesystem::path checkpoint = small_.path() / "source.safetensors";
  std::filesystem::copy_file(checkpoint_, checkpoint);
  for (const auto& file : {weights_path(folder(source.cells[0])), checkpoint}) {
    const Sweep s = sweep({{"poet", {{"method", "adamw.json"}, {"from", file.string()}}}});
    run(s);
    EXPECT_NEAR(column(s.cells[0], "valid", "loss").front(), end, 1e-5 * end) << file;
  }
}

TEST_F(PretrainedRun, WritesTheRealizedWeightsBitForBit) {
  const Sweep s = sweep({{"dense", {{"method", "adamw.json"}}}});
  run(s);
  const core::TensorFile weights = core::read_tensors(weights_path(folder(s.cells[0]))),
                         checkpoint = core::read_tensors(checkpoint_);
  const core::Model model = core::read_model(core::read_document(small_.path() / "model.json"), every_op());
  EXPECT_EQ(weights.tensors.size(), shapes_of(model).size());
  for (const core::StoredTensor& tensor : weights.tensors) {
    EXPECT_EQ(core::Shape(tensor.shape), shapes_of(model).at(tensor.name));
    EXPECT_EQ(tensor.data, checkpoint.at(tensor.name).data) << tensor.name;
  }
}

TEST_F(PretrainedRun, RefusesWeightsThatAreNoNumbersByTheirPlaceBeforeAnythingStarts) {
  run(sweep({{"dense", {{"method", "adamw.json"}}}}));
  const Sweep source = sweep({{"dense", {{"method", "adamw.json"}}}});
  const std::filesystem::path given = small_.path() / "given.safetensors";
  core::TensorFile file = core::read_tensors(weights_path(folder(source.cells[0])));
  const auto matrix = std::ranges::find_if(file.tensors, [](const auto& t) { return t.shape.size() == 2; });
  std::vector<float> values = matrix->values<float>();
  const auto width = static_cast<std::size_t>(matrix->shape[1]);
  values[width + 2] = INFINITY;
  values[2 * width] = NAN;
  std::vector<core::TensorView> views;
  for (const core::StoredTensor& t : file.tensors)
    views.push_back(
        {t.name, t.type, t.shape, &t == &*matrix ? std::as_bytes(std::span(values)) : std::span(t.data)});
  core::write_tensors(given, views);
  const std::string text = message_of<core::DocumentError>([&] {
    (void)sweep({{"after", {{"method", "adamw.json"}, {"from", given.string()}}}});
  });
  EXPECT_HOLDS(text, "#/arms/after/from");
  EXPECT_HOLDS(text, "given.safetensors: \"" + matrix->name +
                         "\" is inf at [1, 2] and not finite at 1 more; expected finite numbers");
}

TEST_F(PretrainedRun, FailsWhenTheFileIsAnotherThanWasPlanned) {
  run(sweep({{"dense", {{"method", "adamw.json"}}}}));
  const Sweep source = sweep({{"dense", {{"method", "adamw.json"}}}});
  const std::filesystem::path given = weights_path(folder(source.cells[0]));
  const Sweep s = sweep({{"after", {{"method", "wisca.json"}, {"from", given.string()}}}});
  core::TensorFile file = core::read_tensors(given);
  file.tensors[0].data[0] ^= std::byte{1};
  std::vector<core::TensorView> views;
  for (const core::StoredTensor& t : file.tensors) views.push_back({t.name, t.type, t.shape, t.data});
  core::write_tensors(given, views);
  RunObserver silent;
  EXPECT_EQ(run_cells(s.cells, request_, silent).failed, 1U);
  EXPECT_HOLDS(contents(newest_file(folder(s.cells[0]), "failed.json").value()),
               "has changed since the cell was planned");
}

}  // namespace
}  // namespace isorbit::experiments
