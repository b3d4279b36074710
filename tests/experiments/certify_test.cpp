// Certificates of real runs, and what "on_defect" makes of them while they train.
#include <gtest/gtest.h>

#include <atomic>

#include "analysis/certificate.hpp"
#include "core/record/run_file.hpp"
#include "tests/experiments/lives.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_cell.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// POET with steps so large that what is left out after `terms` terms counts.
Json large_steps(const SmallCell& small, int terms, const Json& more = Json::object()) {
  Json training = {{"steps", 60}, {"spectra_every", 10}};
  training.update(more);
  return small.document(
      "poet_bs", {{"neumann_terms", terms}, {"learning_rate", 0.02}, {"scale", 1}, {"warmup", 1}}, training);
}

TEST(Certify, CondemnsThreeTermsAtLargeStepsAndPassesFour) {
  const SmallCell small;
  (void)small.complete(large_steps(small, 3), "three");
  (void)small.complete(large_steps(small, 4), "four");
  const Ran odd = run_program(small.path(), "certify three --json");
  const Ran even = run_program(small.path(), "certify four --json");
  EXPECT_EQ(odd.code, 3) << odd.out;
  EXPECT_EQ(even.code, 0) << even.out;
  const Json broken = Json::parse(odd.out), kept = Json::parse(even.out);
  EXPECT_EQ(broken.at("verdict"), "broken");
  EXPECT_EQ(kept.at("verdict"), "kept");
  ASSERT_EQ(kept.at("weights").size(), 14U);
  double most_odd = 0, most_even = 0;
  for (std::size_t w = 0; w < 14; ++w) {
    EXPECT_LE(broken.at("weights")[w].at("defect"), broken.at("weights")[w].at("bound"))
        << "each merge is within its bound: it is the sum that is condemned";
    most_odd = std::max(most_odd, broken.at("weights")[w].at("drift").get<double>());
    most_even = std::max(most_even, kept.at("weights")[w].at("drift").get<double>());
  }
  EXPECT_GT(most_odd, 3 * most_even) << most_odd << " and " << most_even;
  EXPECT_EQ(run_program(small.path(), "certify three --tolerance 1").code, 0);
  EXPECT_EQ(run_program(small.path(), "certify four --tolerance 1e-9").code, 3);
  const Ran text = run_program(small.path(), "certify three");
  EXPECT_HOLDS(text.out, "three: broken");
  EXPECT_HOLDS(text.out, "layers.1.mlp.down.weight");
  EXPECT_HOLDS(text.out, "merges, each within its bound");
  EXPECT_HOLDS(run_program(small.path(), "certify four/run.h5").out, "four/run.h5: kept");
  EXPECT_HOLDS(run_program(small.path(), "certify four --tolerance 0").err, "expected a number above 0");
}

TEST(Certify, ARunWithoutClaimsHasNothingToKeepAndARescaleKeepsTheLogits) {
  const SmallCell small;
  (void)small.complete(small.document("adamw"), "adamw");
  (void)small.complete(small.document("wisca"), "wisca");
  const Ran free = run_program(small.path(), "certify adamw");
  EXPECT_EQ(free.code, 0);
  EXPECT_HOLDS(free.out, "adamw: nothing to keep");
  EXPECT_HOLDS(free.out, "16 matrices are trained freely");
  const Ran rescaled = run_program(small.path(), "certify wisca --json");
  EXPECT_EQ(rescaled.code, 0);
  const Json wisca = Json::parse(rescaled.out);
  EXPECT_EQ(wisca.at("verdict"), "kept");
  EXPECT_GE(wisca.at("rescales").size(), 2U);
}

TEST(Certify, SaysDeadOfWeightsThatNeverMovedAndThatNothingHappened) {
  const SmallCell small;
  Json zeros = small.document("poet_bs", {{"learning_rate", 0.01}});
  for (Json& node : zeros["model"]["blocks"]["attention"]["nodes"])
    if (node.at("id") == "o") node["init"] = {{"weight", {{"kind", "zeros"}}}};
  zeros["method"]["groups"][0]["parametrization"]["init"] = "model";
  (void)small.complete(zeros, "zeros");
  const Ran dead = run_program(small.path(), "certify zeros --json");
  EXPECT_EQ(dead.code, 3) << dead.out;
  const Json verdict = Json::parse(dead.out);
  EXPECT_EQ(verdict.at("verdict"), "dead: never moved");
  // An output projection of zeros passes no gradient on to the queries, keys and values before it.
  for (const Json& weight : verdict.at("weights"))
    EXPECT_EQ(weight.at("verdict"),
              holds(weight.at("weight").get<std::string>(), ".attn.") ? "dead: never moved" : "kept")
        << weight;
  EXPECT_HOLDS(run_program(small.path(), "certify zeros").out, "zeros: dead: never moved");

  (void)small.complete(small.document("wisca", {{"every", 250}}), "wisca");
  const Ran idle = run_program(small.path(), "certify wisca");
  EXPECT_EQ(idle.code, 3);
  EXPECT_HOLDS(idle.out, "wisca: nothing happened");
  EXPECT_HOLDS(idle.out, "the method has the event \"rescale\", and the run none");

  (void)small.complete(small.document("poet_bs", {{"learning_rate", 0}}), "still");
  const Ran still = run_program(small.path(), "certify still");
  EXPECT_EQ(still.code, 3);
  EXPECT_HOLDS(still.out, "its coordinates are where they started");
  EXPECT_FALSE(holds(still.out, "still: kept")) << still.out;

  (void)small.complete(small.document("adamw", {{"learning_rate", 0}}), "frozen");
  EXPECT_HOLDS(run_program(small.path(), "certify frozen").out, "its singular values are the same bits");
}

TEST(OnDefect, FailStopsARunThatBreaksItsInvariantAndSaysWhichWeight) {
  const SmallCell small;
  const CellRequest request = small.request(large_steps(small, 3, {{"on_defect", "fail"}}), "fail");
  const CellResult result = run_cell(request);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_HOLDS(result.reason, "an invariant is broken at step ");
  EXPECT_HOLDS(result.reason, "layers.");
  EXPECT_HOLDS(result.reason, "drifted by");
  EXPECT_FALSE(std::filesystem::exists(request.folder / "run.h5"));
  EXPECT_EQ(Json::parse(contents(request.folder / "failed.json")).at("reason"), result.reason);
}

TEST(OnDefect, WarnGoesOnAndSaysItOnceForEachWeight) {
  const SmallCell small;
  CellRequest request = small.request(large_steps(small, 3, {{"on_defect", "warn"}}), "warn");
  std::vector<std::string> notes;
  request.note = [&](const std::string& text) { notes.push_back(text); };
  EXPECT_EQ(run_cell(request).outcome, Outcome::complete);
  EXPECT_GE(notes.size(), 1U);
  EXPECT_LE(notes.size(), 14U);
  const analysis::Certificate seen = analysis::certify(core::read_run(request.folder / "run.h5"));
  std::size_t broken = 0;
  for (const auto& weight : seen.weights) broken += weight.verdict == analysis::Verdict::broken ? 1 : 0;
  EXPECT_EQ(notes.size(), broken) << "the run and certify judge alike";
}

TEST(OnDefect, AResumedRunRemembersWhereItsSpectraBegan) {
  const SmallCell small;
  const Json document = large_steps(small, 3, {{"on_defect", "fail"}});
  const std::string whole = run_cell(small.request(document, "whole")).reason;
  Lives lives(small, document, "stopped");
  ASSERT_EQ(lives.stopped_after(7).outcome, Outcome::stopped);
  EXPECT_EQ(lives.to_the_end().reason, whole);
}

TEST(OnDefect, ARunThatKeepsItsInvariantIsLeftAlone) {
  const SmallCell small;
  (void)small.complete(large_steps(small, 4, {{"on_defect", "fail"}}), "kept");
}

}  // namespace
}  // namespace isorbit::experiments
