// "controls": "auto" adds to an arm that rescales before training the arm of learning rates that equals it.
#include "experiments/sweep/controls.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/record/run_file.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/runner.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

class ControlArms : public testing::Test {
 protected:
  /// Writes a method that rescales at these times, under Adam without epsilon.
  void rescaling(const std::string& name, const Json& times, const std::string& base = "wisca.json") const {
    Json method = core::read_document(small_.path() / base).root;
    for (Json& group : method["groups"]) group["update"][0]["epsilon"] = 0;
    method["constants"]["learning_rate"] = 1e-2;
    Json event = {{"kind", "rescale"}, {"pairs", {"q-k", "v-o"}}};
    event.update(times);
    method["events"] = Json::array({event});
    std::ofstream(small_.path() / name) << method.dump();
  }
  Json document(const Json& arms) const {
    Json document = small_.document();
    document["arms"] = arms;
    document["controls"] = "auto";
    document["compare"] = Json::object();
    return document;
  }
  Sweep read(const Json& document, std::vector<std::string> overrides = {}) const {
    small_.write(document);
    return small_.read(std::move(overrides));
  }
  static std::vector<std::string> arms(const Sweep& sweep) {
    std::vector<std::string> names;
    for (const Cell& cell : sweep.cells)
      if (std::ranges::find(names, cell.arm) == names.end()) names.push_back(cell.arm);
    return names;
  }

  SmallSweep small_;
};

TEST_F(ControlArms, AreAddedToArmsThatRescaleAtStepZeroAlone) {
  rescaling("init.json", {{"at", {0}}});
  rescaling("both.json", {{"at", {0}}, {"every", 2}});
  rescaling("later.json", {{"every", 2}});
  const Sweep sweep =
      read(document({{"adamw", {{"method", "adamw.json"}}},
                     {"init", {{"method", "init.json"}, {"tune", {{"learning_rate", {1, 2}}}}}},
                     {"both", {{"method", "both.json"}}},
                     {"off", {{"method", "init.json"}, {"controls", "none"}}},
                     {"later", {{"method", "later.json"}}}}));
  EXPECT_EQ(arms(sweep), (std::vector<std::string>{"adamw", "init", "init-control", "both", "both-control",
                                                   "off", "later"}));
  EXPECT_EQ(sweep.controls, (std::vector<std::pair<std::string, std::string>>{{"init", "init-control"},
                                                                              {"both", "both-control"}}));
  EXPECT_EQ(manifest_of(sweep).at("controls"), (Json{{"init", "init-control"}, {"both", "both-control"}}));
  std::size_t tuned = 0;
  for (const Cell& cell : sweep.cells) {
    const bool control = cell.arm.ends_with("-control");
    if (cell.arm == "init-control") ++tuned;
    const Json& method = cell.document.at("method");
    if (method.contains("events") && !method.at("events").empty()) {
      EXPECT_EQ(method.at("events")[0].value("apply", "weights"), control ? "rates" : "weights") << cell.arm;
    }
  }
  EXPECT_EQ(tuned, 4U) << "two learning rates, two seeds";
}

TEST_F(ControlArms, SayThatClippingSeesOtherGradients) {
  rescaling("init.json", {{"at", {0}}});
  const Json arms = {{"init", {{"method", "init.json"}}}};
  EXPECT_TRUE(read(document(arms)).notes.empty());
  Json clipped = core::read_document(small_.path() / "init.json").root;
  clipped["clip_norm"] = 1.0;
  std::ofstream(small_.path() / "init.json") << clipped.dump();
  EXPECT_HOLDS(read(document(arms)).notes.at(0), "arm init-control equals init but for clip_norm");
}

TEST_F(ControlArms, AreExcludedWithTheirArms) {
  rescaling("init.json", {{"at", {0}}});
  Json excluding = document({{"adamw", {{"method", "adamw.json"}}}, {"init", {{"method", "init.json"}}}});
  excluding["exclude"] = Json::array({{{"arm", "init"}, {"seed", 1}}});
  for (const Cell& cell : read(excluding).cells) EXPECT_TRUE(cell.arm == "adamw" || cell.seed == 0);
}

TEST_F(ControlArms, AreLeftOutWithAReasonWhereNoRateStandsForTheFactor) {
  rescaling("poet_init.json", {{"at", {0}}}, "poet.json");
  const Sweep sweep = read(document({{"poet", {{"method", "poet_init.json"}}}}));
  EXPECT_EQ(arms(sweep), std::vector<std::string>{"poet"});
  ASSERT_FALSE(sweep.notes.empty());
  EXPECT_HOLDS(sweep.notes[0], "arm poet has no control: \"layers.0.");
  EXPECT_HOLDS(sweep.notes[0], "whose coordinates feel no factor of the weight");
}

TEST_F(ControlArms, TrainAsTheirArmsDo) {
  Json model = core::read_document(small_.path() / "model.json").root;
  model["constants"]["heads"] = 4;
  Json& nodes = model["blocks"]["attention"]["nodes"];
  for (const int shared : {1, 2}) nodes[static_cast<std::size_t>(shared)]["units"] = "width / heads";
  nodes[3]["kv_heads"] = 1;  // keys and values are a quarter of queries, and as far from balance
  std::ofstream(small_.path() / "model.json") << model.dump();
  rescaling("plain.json", {{"at", {1000}}});
  rescaling("both.json", {{"at", {0, 3}}, {"every", 4}});
  const Sweep sweep =
      read(document({{"plain", {{"method", "plain.json"}}}, {"both", {{"method", "both.json"}}}}),
           {"training.threads=1", "training.steps=12", "seeds=0"});
  RunRequest request;
  request.folder = small_.path() / "runs";
  request.data_dir = small_.path() / "data";
  RunObserver silent;
  ASSERT_EQ(run_cells(sweep.cells, request, silent).exit_code(), 0);
  std::map<std::string, std::vector<double>> losses;
  for (const Cell& cell : sweep.cells)
    losses[cell.arm] =
        core::read_run(request.folder / cell.folder / "run.h5").at("train").at("loss").doubles();
  double apart = 0, together = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    together = std::max(together, std::abs(losses["both"][i] - losses["both-control"][i]));
    apart = std::max(apart, std::abs(losses["both"][i] - losses["plain"][i]));
  }
  EXPECT_LT(together, 2e-5) << "rounding";
  EXPECT_GT(apart, 20 * together) << "the rescale has an effect";
}

}  // namespace
}  // namespace isorbit::experiments
