// Whole runs of a small model on a small text, under every shipped method.
#include "experiments/training/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/record/run_file.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/cell_document.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::RunRecord;

constexpr const char* kMethods[] = {"adamw", "poet_bs", "poet_fs", "wisca", "wisca_init", "poet_wisca", "sgd",
                                    "lion",  "muon",    "galore",  "lora",  "relora",     "poet_xq"};

std::string source(const std::string& path) {
  return std::string(ISORBIT_SOURCE_DIR) + "/experiments/" + path;
}

class Trainer : public ::testing::Test {
 protected:
  Trainer() {
    std::string train, valid;
    for (int i = 0; i < 400; ++i)
      train += "the cat number " + std::to_string(i * 37 % 101) + " sat on the mat; ";
    for (int i = 0; i < 60; ++i)
      valid += "the dog number " + std::to_string(i * 53 % 101) + " sat on the mat; ";
    folder_.write("data/toy/train.txt", train);
    folder_.write("data/toy/valid.txt", valid);
  }

  Json document(const std::string& method, Json method_constants = Json::object(),
                std::int64_t steps = 30) const {
    const core::Document model = core::read_document(source("models/llama.json"));
    const core::Document m = core::read_document(source("methods/" + method + ".json"));
    const Json small{{"merge_every", 10}, {"every", 10},   {"block_size", 16}, {"warmup", 3},
                     {"rank", 8},         {"refresh", 10}, {"rewarm", 3}};
    // The authors' constants of POET are for runs of many more steps.
    const Json fast{{"learning_rate", 3e-3}, {"base_rate", 3e-3}, {"scale", 1}};
    if (method == "poet_bs")
      for (const auto& [name, value] : fast.items())
        if (!method_constants.contains(name)) method_constants[name] = value;
    for (const auto& [name, value] : small.items()) {
      if (m.root.at("constants").contains(name) && !method_constants.contains(name))
        method_constants[name] = value;
    }
    const Json constants{{"batch", 4}, {"seq", 16},     {"depth", 2}, {"width", 32},
                         {"heads", 4}, {"kv_heads", 2}, {"ffn", 48}};
    core::Problems problems;
    const core::Document nowhere{"test", Json::object(), {}};
    const Json training = core::resolve({{"steps", steps},
                                         {"validate_every", 10},
                                         {"spectra_every", 7},
                                         {"checkpoint_every", 8},
                                         {"valid_targets", 256},
                                         {"threads", 1}},
                                        training_spec(), {&nowhere, "", nullptr}, problems);
    problems.throw_if_any();
    return cell_document(model, "micro", constants, m, method_constants,
                         {{"corpus", "toy"}, {"tokenizer", "bytes"}}, training, 5);
  }

  CellRequest request(const Json& document, const std::string& name) const {
    CellRequest r;
    r.document = document;
    r.folder = folder_.path() / name;
    r.data_dir = folder_.path() / "data";
    return r;
  }

  RunRecord complete(const CellRequest& r) const {
    const CellResult result = run_cell(r);
    EXPECT_EQ(result.outcome, Outcome::complete) << result.reason;
    return core::read_run(r.folder / "run.h5");
  }

  TemporaryFolder folder_;
};

TEST_F(Trainer, TheSameDocumentTwiceGivesTheSameBits) {
  for (const char* method : kMethods) {
    SCOPED_TRACE(method);
    const Json d = document(method);
    EXPECT_EQ(difference(complete(request(d, std::string("a-") + method)),
                         complete(request(d, std::string("b-") + method))),
              "");
  }
}

TEST_F(Trainer, EveryMethodLearns) {
  for (const char* method : kMethods) {
    SCOPED_TRACE(method);
    const RunRecord run =
        complete(request(document(method, Json::object(), 60), std::string("learn-") + method));
    const std::vector<double> loss = run.at("valid").at("loss").doubles();
    EXPECT_LT(loss.back(), 0.75 * loss.front());
  }
}

TEST_F(Trainer, MeasuresOfAStepComeBeforeItsEventsSoThatARescaleOfTheSameCadenceIsSeen) {
  const RunRecord run = complete(request(document("wisca", {{"every", 7}}, 21), "cadence"));
  const std::string q = "layers.0.attn.q.weight";
  const core::Series &ratio = run.at("ratio/q-k/" + q), &events = run.at("event");
  ASSERT_EQ(ratio.at("step").integers(), (std::vector<std::int64_t>{0, 7, 14, 21}));
  std::size_t seen = 0;
  for (std::size_t t = 1; t < 4; ++t) {
    const double l1 = ratio.at("l1").doubles()[t], frobenius = ratio.at("frobenius").doubles()[t];
    EXPECT_GT(std::abs(l1 - 1), 1e-3);
    for (std::size_t e = 0; e < events.columns[0].size(); ++e) {
      if (events.at("step").integers()[e] != ratio.at("step").integers()[t] ||
          events.at("parameter").texts()[e] != q)
        continue;
      const double before = events.at("before").doubles()[e];
      EXPECT_LT(std::min(std::abs(before / l1 - 1), std::abs(before / frobenius - 1)), 1e-6);
      EXPECT_NEAR(events.at("after").doubles()[e], 1, 1e-6);
      ++seen;
    }
  }
  EXPECT_EQ(seen, 3U);
}

TEST_F(Trainer, MeasuresOfStepZeroComeBehindItsEventsWhichBelongToTheStart) {
  const RunRecord run = complete(request(document("wisca_init", Json::object(), 1), "start"));
  const core::Series& ratio = run.at("ratio/q-k/layers.0.attn.q.weight");
  EXPECT_LT(
      std::min(std::abs(ratio.at("l1").doubles()[0] - 1), std::abs(ratio.at("frobenius").doubles()[0] - 1)),
      1e-6);
}

TEST_F(Trainer, PoetMovesNoSingularValueByMoreThanItsLoggedDefects) {
  for (const char* method : {"poet_bs", "poet_fs", "poet_xq"}) {
    SCOPED_TRACE(method);
    const RunRecord run =
        complete(request(document(method, Json::object(), 60), std::string("orbit-") + method));
    const core::Series& events = run.at("event");
    int checked = 0;
    for (const core::Spectrum& s : run.spectra) {
      const core::Series& measures = run.at("measure/" + s.parameter);
      if (measures.find("defect") == nullptr) continue;
      const std::vector<double> unmerged = measures.at("defect").doubles();
      for (std::size_t t = 0; t < s.steps.size(); ++t) {
        double allowed = unmerged[t] + 0x1p-23;  // the record rounds both values to single precision
        for (std::size_t e = 0; e < events.columns[0].size(); ++e) {
          if (events.at("kind").texts()[e] == "merge" && events.at("parameter").texts()[e] == s.parameter &&
              events.at("step").integers()[e] <= s.steps[t]) {
            allowed += events.at("defect").doubles()[e];
            EXPECT_LE(events.at("defect").doubles()[e], events.at("bound").doubles()[e]);
          }
        }
        for (std::size_t k = 0; k < s.rank; ++k) {
          const double moved =
              std::abs(static_cast<double>(s.values[t * s.rank + k]) - s.values[k]) / s.values[0];
          EXPECT_LE(moved, allowed) << s.parameter << " at step " << s.steps[t];
        }
        ++checked;
      }
      EXPECT_LT(unmerged.back(), 0.05) << "a bound that allows anything proves nothing";
    }
    EXPECT_GE(checked, 14 * 3);
  }
}

TEST_F(Trainer, ABaseInBytesLogsWhatRoundingItAtAMergeHasMovedWithinItsBound) {
  const RunRecord run = complete(request(document("poet_xq"), "bytes"));
  const core::Series& events = run.at("event");
  std::map<std::string, int> rows;
  for (std::size_t e = 0; e < events.columns[0].size(); ++e) {
    ++rows[events.at("kind").texts()[e]];
    EXPECT_LE(events.at("defect").doubles()[e], events.at("bound").doubles()[e]);
    EXPECT_LT(events.at("bound").doubles()[e], 0.05);
  }
  EXPECT_EQ(rows["merge"], 2 * 7 * 3);
  EXPECT_EQ(rows["quantize"], rows["merge"]);
  const core::Series& measures = run.at("measure/layers.0.attn.q.weight");
  EXPECT_DOUBLE_EQ(measures.at("coverage_min").doubles().back(), 60) << "30 updates, both sides";
  EXPECT_NEAR(measures.at("probe_left").doubles().front(), 1, 1e-6);
  EXPECT_LT(measures.at("probe_left").doubles().back(), 0.9999);
}

TEST_F(Trainer, AdamWMovesSingularValuesFarMoreThanPoetDoes) {
  const auto most_moved = [](const RunRecord& run) {
    double most = 0;
    for (const core::Spectrum& s : run.spectra) {
      if (!s.parameter.starts_with("layers.")) continue;
      for (std::size_t k = 0; k < s.rank; ++k) {
        most = std::max(most, std::abs(s.values[s.values.size() - s.rank + k] - s.values[k]) /
                                  static_cast<double>(s.values[0]));
      }
    }
    return most;
  };
  EXPECT_GT(most_moved(complete(request(document("adamw"), "far"))),
            10 * most_moved(complete(request(document("poet_bs"), "near"))));
}

TEST_F(Trainer, EveryRescaleKeepsTheLogitsAndLogsThatItDid) {
  for (const char* method : {"wisca", "wisca_init"}) {
    const RunRecord run = complete(request(document(method), std::string("logits-") + method));
    const core::Series& events = run.at("event");
    ASSERT_GT(events.columns[0].size(), 0u);
    bool moved = false;
    for (std::size_t e = 0; e < events.columns[0].size(); ++e) {
      EXPECT_EQ(events.at("kind").texts()[e], "rescale");
      EXPECT_LE(events.at("defect").doubles()[e], 1e-5);
      moved = moved || std::abs(events.at("factor").doubles()[e] - 1) > 0.1;
    }
    EXPECT_TRUE(moved) << "with two query heads to a key head the norms must have differed";
  }
}

TEST_F(Trainer, ADivergingRunFailsWithItsReasonAndSealsNothing) {
  const CellRequest r = request(document("adamw", {{"learning_rate", 1e30}}), "diverged");
  const CellResult result = run_cell(r);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_NE(result.reason.find("not finite"), std::string::npos) << result.reason;
  EXPECT_FALSE(std::filesystem::exists(r.folder / "run.h5"));
  std::ifstream file(r.folder / "failed.json");
  EXPECT_EQ(Json::parse(file).at("reason"), result.reason);
}

TEST_F(Trainer, ACompleteFolderBelongsToOneCellOnly) {
  const std::filesystem::path cell = folder_.path() / "complete";
  const RunRecord run = complete(request(document("adamw"), "complete/attempt-0001"));
  EXPECT_FALSE(is_complete(cell, run.provenance.at("cell_id"))) << "not published";
  EXPECT_TRUE(publish_attempt(cell / "attempt-0001"));
  EXPECT_TRUE(is_complete(cell, run.provenance.at("cell_id")));
  EXPECT_FALSE(is_complete(cell, std::string(64, '0')));
  EXPECT_FALSE(is_complete(folder_.path() / "nowhere", run.provenance.at("cell_id")));
}

TEST(CellId, LeavesOutWhatDecidesNoNumber) {
  const Json a = Json::parse(
      R"({"model": {"name": "x", "doc": "y", "nodes": [1e3]}, "method": {"name": "m"}, "data": {}, "training": {}, "seed": 0})");
  Json b = Json::parse(
      R"({"seed": 0, "training": {}, "data": {}, "method": {"name": "other"}, "model": {"nodes": [1000], "x-note": 1}})");
  EXPECT_EQ(cell_id(a, "f"), cell_id(b, "f"));
  EXPECT_NE(cell_id(a, "f"), cell_id(a, "g"));
  b["seed"] = 1;
  EXPECT_NE(cell_id(a, "f"), cell_id(b, "f"));
}

}  // namespace
}  // namespace isorbit::experiments
