#include "experiments/evaluation/evaluate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "analysis/statistics.hpp"
#include "experiments/data/batch_source.hpp"
#include "experiments/training/cell_weights.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_cell.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// A cell whose held-out text has verbs that agree.
class Evaluation : public ::testing::Test {
 protected:
  Evaluation() {
    std::string train, valid;
    for (int i = 0; i < 300; ++i)
      train +=
          i % 2 == 0 ? "The cat was on the mat near the door. " : "The cats were on the mat near the door. ";
    for (const char* place : {"roof", "wall", "lawn", "road", "step", "sill"}) {
      valid += std::string("The cat was on the ") + place + " by the house. ";
      valid += std::string("The cats were on the ") + place + " by the house. ";
    }
    small_.folder().write("data/toy/train.txt", train);
    small_.folder().write("data/toy/valid.txt", valid);
  }
  SmallCell small_;
};

/// A model that finds every byte equally likely.
core::TensorFile without_head(core::TensorFile weights) {
  for (core::StoredTensor& tensor : weights.tensors)
    if (tensor.name == "head.weight") std::ranges::fill(tensor.data, std::byte{0});
  return weights;
}

TEST_F(Evaluation, ScoresWhatValidationMeasures) {
  const CellWeights cell = read_cell_weights(small_.complete(small_.document("poet_bs"), "cell"));
  Scorer scorer(cell.document.at("model"), cell.weights, 1);
  const auto source = open_batches(open_corpus("toy", small_.path() / "data"), {}, {4, 16, 256, 128});
  std::vector<std::int32_t> tokens(64), targets(64);
  std::vector<Passage> passages;
  for (std::int64_t b = 0; b < source->valid_batches(); ++b) {
    source->valid_batch(b, {{"tokens", std::span(tokens)}, {"targets", std::span(targets)}});
    for (std::ptrdiff_t row = 0; row < 4; ++row) {
      passages.push_back({{tokens.begin() + 16 * row, tokens.begin() + 16 * (row + 1)}, 1});
      passages.back().tokens.push_back(targets[static_cast<std::size_t>(16 * row + 15)]);
    }
  }
  double sum = 0;
  for (const double x : scorer.log_likelihoods(passages)) sum -= x;
  const core::RunRecord run = core::read_run(small_.path() / "cell" / "run.h5");
  EXPECT_NEAR(sum / (16.0 * static_cast<double>(passages.size())),
              run.at("valid").at("loss").doubles().back(), 1e-5);
}

TEST_F(Evaluation, EveryTokenOfALongPassageIsScoredOnce) {
  const CellWeights cell = read_cell_weights(small_.complete(small_.document("adamw"), "cell"));
  Scorer even(cell.document.at("model"), without_head(cell.weights), 1);
  for (const std::size_t length : {2, 16, 17, 18, 33, 100})
    for (const std::size_t first : {std::size_t{1}, length - 1}) {
      const Passage passage{std::vector<std::int32_t>(length, 'a'), first};
      EXPECT_NEAR(even.log_likelihoods({&passage, 1})[0],
                  -std::log(256.0) * static_cast<double>(length - first), 1e-9)
          << length << " from " << first;
    }
}

TEST_F(Evaluation, LengthsCountAsTheNormalizationSays) {
  const CellWeights cell = read_cell_weights(small_.complete(small_.document("adamw"), "cell"));
  Scorer even(cell.document.at("model"), without_head(cell.weights), 1);
  const Task& task = task_named("agreement");
  const std::vector<Item> items = {{"", ".", {"longest", "it"}, 0}};
  const auto chosen = [&](Normalization how) {
    return evaluate(task, items, 0, ByteTokenizer(), even, how).chosen[0];
  };
  EXPECT_EQ(chosen(Normalization::none), 1U) << "the shorter is likelier";
  EXPECT_EQ(chosen(Normalization::tokens), 0U) << "equal, and the first of equals";
  const TaskResult result = evaluate(task, items, 0, ByteTokenizer(), even, Normalization::bytes);
  EXPECT_EQ(result.scores[0][0].bytes, 8);
  EXPECT_EQ(result.scores[0][0].tokens, 8) << "the line's start is common";
  EXPECT_EQ(result.majority, 1.0);
  EXPECT_EQ(result.chance, 0.5);
}

TEST_F(Evaluation, TheVerbPrintsAccuracyAndKeepsItsItemsInTheSealedRecord) {
  const std::filesystem::path folder = small_.complete(
      small_.document("adamw", {{"learning_rate", 0.005}}, {{"steps", 450}, {"spectra_every", 450}}, "llama",
                      {{"seq", 32}, {"batch", 8}}),
      "cell");
  const core::RunRecord before = core::read_run(folder / "run.h5");
  const Ran ran = run_program(small_.path(), "eval cell --task agreement --data data");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.out, "agreement");
  EXPECT_HOLDS(ran.out, "chance %");
  const core::RunRecord run = core::read_run(folder / "run.h5");
  EXPECT_EQ(run.series.size(), before.series.size() + 2);
  EXPECT_EQ(run.provenance, before.provenance);
  EXPECT_TRUE(is_complete(folder, run.provenance.at("cell_id")));
  const core::Series &row = run.at("eval/agreement"), &items = run.at("eval/agreement/items");
  EXPECT_EQ(row.at("step").integers(), std::vector<std::int64_t>{450});
  EXPECT_EQ(items.at("item").size(), 12U);
  std::size_t correct = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    const std::string choice = std::to_string(items.at("chosen").integers()[i]);
    correct += items.at("chosen").integers()[i] == items.at("answer").integers()[i] ? 1 : 0;
    const std::string other = choice == "0" ? "1" : "0";
    const auto per_byte = [&](const std::string& k) {
      return items.at("log_likelihood_" + k).doubles()[i] /
             static_cast<double>(items.at("bytes_" + k).integers()[i]);
    };
    EXPECT_GE(per_byte(choice), per_byte(other));
    EXPECT_HOLDS(items.at("sentence").texts()[i], "___ on the");
  }
  EXPECT_EQ(row.at("accuracy").doubles()[0], static_cast<double>(correct) / 12);
  EXPECT_GE(correct, 10U) << "the training text has little else in it";
  const Ran again = run_program(small_.path(), "eval cell --task agreement --limit 4 --json --data data");
  EXPECT_EQ(Json::parse(again.out).at("items"), 4);
  EXPECT_EQ(core::read_run(folder / "run.h5").at("eval/agreement/items").at("item").size(), 4U) << "replaced";
}

TEST_F(Evaluation, ATrainingSectionMayAskForIt) {
  const Json document = small_.document("adamw", Json::object(), {{"evaluate", {"agreement"}}});
  const core::RunRecord run = core::read_run(small_.complete(document, "asked") / "run.h5");
  EXPECT_EQ(run.at("eval/agreement").at("scored").integers()[0], 12);
  const CellRequest request =
      small_.request(small_.document("adamw", Json::object(), {{"evaluate", {"wordnet_cloze"}}}), "missing");
  const CellResult result = run_cell(request);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_HOLDS(result.reason, "fetch.sh wordnet");
  EXPECT_FALSE(std::filesystem::exists(request.folder / "journal.log")) << "said before anything is trained";
}

TEST_F(Evaluation, ArmsAreComparedByAccuracyOfWhichMoreIsBetter) {
  const SmallSweep sweep;
  for (const char* split : {"train.txt", "valid.txt"})
    std::filesystem::copy_file(small_.path() / "data/toy" / split, sweep.path() / "data/prose" / split,
                               std::filesystem::copy_options::overwrite_existing);
  const Ran ran =
      run_program(sweep.path(), "run sweep.json training.evaluate='[\"agreement\"]' --only arm=wisca -o out");
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Ran compared = run_program(sweep.path(), "compare out --metric eval/agreement/accuracy");
  EXPECT_HOLDS(compared.out, "last eval/agreement/accuracy, higher is better");
}

TEST_F(Evaluation, AWrongTaskIsNamedWithWhatThereIs) {
  (void)small_.complete(small_.document("adamw"), "cell");
  const Ran ran = run_program(small_.path(), "eval cell --task agrement");
  EXPECT_EQ(ran.code, 2);
  EXPECT_HOLDS(ran.err, "expected one of agreement, wordnet_cloze; did you mean agreement?");
}

TEST(Wilson, IntervalsAreThoseOfTheTables) {
  const analysis::Proportion share = analysis::wilson_interval(8, 10);
  EXPECT_EQ(share.value, 0.8);
  EXPECT_NEAR(share.low, 0.4901624, 1e-6);
  EXPECT_NEAR(share.high, 0.9433178, 1e-6);
  EXPECT_EQ(analysis::wilson_interval(0, 5).low, 0);
  EXPECT_EQ(analysis::wilson_interval(5, 5).high, 1);
  EXPECT_TRUE(std::isnan(analysis::wilson_interval(0, 0).value));
}

}  // namespace
}  // namespace isorbit::experiments
