// Whole runs of a small model on a small text, under every shipped method.
#include "experiments/training/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "core/record/run_file.hpp"
#include "experiments/training/cell_document.hpp"
#include "temporary_folder.hpp"

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

  /// Stops after `step` updates, as Ctrl-C (1) or as a kill (2), then goes on to the end.
  RunRecord interrupted(const Json& document, const std::string& name, std::int64_t step, int how) const {
    CellRequest r = request(document, name);
    std::atomic<int> stop{0};
    r.stop = &stop;
    r.progress = [&](const Progress& p) {
      if (p.step == step) stop = how;
    };
    EXPECT_EQ(run_cell(r).outcome, Outcome::stopped);
    EXPECT_FALSE(std::filesystem::exists(r.folder / "run.h5"));
    return complete(request(document, name));
  }

  TemporaryFolder folder_;
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

/// Everything but times, process lives and the command line.
void expect_same(const RunRecord& a, const RunRecord& b) {
  EXPECT_EQ(a.config, b.config);
  ASSERT_EQ(a.series.size(), b.series.size());
  for (std::size_t s = 0; s < a.series.size(); ++s) {
    ASSERT_EQ(a.series[s].path, b.series[s].path);
    if (a.series[s].path == "segment") continue;
    ASSERT_EQ(a.series[s].columns.size(), b.series[s].columns.size()) << a.series[s].path;
    for (const core::Column& column : a.series[s].columns) {
      if (column.name == "seconds") continue;
      const core::Column& other = b.series[s].at(column.name);
      if (std::holds_alternative<std::vector<std::string>>(column.values)) {
        EXPECT_EQ(column.texts(), other.texts());
      } else {
        EXPECT_TRUE(same_bits(column.doubles(), other.doubles())) << a.series[s].path << "/" << column.name;
      }
    }
  }
  ASSERT_EQ(a.spectra.size(), b.spectra.size());
  for (std::size_t i = 0; i < a.spectra.size(); ++i) {
    EXPECT_EQ(a.spectra[i].parameter, b.spectra[i].parameter);
    EXPECT_EQ(a.spectra[i].steps, b.spectra[i].steps);
    EXPECT_EQ(a.spectra[i].values, b.spectra[i].values) << a.spectra[i].parameter;
  }
}

TEST_F(Trainer, TheSameDocumentTwiceGivesTheSameBits) {
  for (const char* method : kMethods) {
    SCOPED_TRACE(method);
    const Json d = document(method);
    expect_same(complete(request(d, std::string("a-") + method)),
                complete(request(d, std::string("b-") + method)));
  }
}

TEST_F(Trainer, AStoppedAndResumedRunEqualsAnUnbrokenOneBitForBit) {
  for (const char* method : kMethods) {
    SCOPED_TRACE(method);
    const Json d = document(method);
    const RunRecord whole = complete(request(d, std::string("whole-") + method));
    expect_same(whole,
                interrupted(d, std::string("mid-") + method, 14, 1));  // in the middle of a merge interval
    expect_same(whole,
                interrupted(d, std::string("merge-") + method, 10, 1));  // right after a merge or rescale
    expect_same(whole,
                interrupted(d, std::string("kill-") + method, 21, 2));  // back to the checkpoint of step 16
  }
}

TEST_F(Trainer, RatesThatStandForFactorsSurviveAStop) {
  Json d = document("wisca");
  Json& event = d["method"]["events"][0];
  event["pairs"] = {"*"};
  for (const char* granularity : {"tensor", "channel"}) {
    event["granularity"] = granularity;
    event["apply"] = "rates";
    const RunRecord whole = complete(request(d, std::string("whole-") + granularity));
    for (const int how : {1, 2})
      expect_same(whole, interrupted(d, granularity + std::to_string(how), 13, how));
    const auto& kinds = whole.at("event").at("kind").texts();
    EXPECT_EQ(std::ranges::count(kinds, "rescale_rates"), static_cast<std::ptrdiff_t>(kinds.size()));
    event["apply"] = "weights";
    EXPECT_FALSE(same_bits(
        whole.at("train").at("loss").doubles(),
        complete(request(d, std::string("weights-") + granularity)).at("train").at("loss").doubles()));
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
  const CellRequest r = request(document("adamw"), "complete");
  (void)complete(r);
  const RunRecord run = core::read_run(r.folder / "run.h5");
  EXPECT_TRUE(is_complete(r.folder, run.provenance.at("cell_id")));
  EXPECT_FALSE(is_complete(r.folder, std::string(64, '0')));
  EXPECT_FALSE(is_complete(folder_.path() / "nowhere", run.provenance.at("cell_id")));
}

TEST_F(Trainer, ADamagedCheckpointIsSaidAndNothingIsLost) {
  const Json d = document("adamw");
  CellRequest r = request(d, "damaged");
  std::atomic<int> stop{0};
  r.stop = &stop;
  r.progress = [&](const Progress& p) { stop = p.step == 12 ? 1 : 0; };
  (void)run_cell(r);
  std::filesystem::resize_file(r.folder / "checkpoint.safetensors", 1000);
  const CellResult result = run_cell(request(d, "damaged"));
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_NE(result.reason.find("checkpoint.safetensors"), std::string::npos) << result.reason;
  EXPECT_TRUE(std::filesystem::exists(r.folder / "journal.log"));
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
