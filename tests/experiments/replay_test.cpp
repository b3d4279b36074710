// Records computed again from themselves, and records that have been changed.
#include "experiments/replay/replay.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/document/digest.hpp"
#include "core/runtime/build_id.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_cell.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::RunRecord;

constexpr const char* kGain = "layers.1.n1.weight";

class ReplayTest : public testing::Test {
 protected:
  std::filesystem::path run_of(const Json& document, const std::string& name) const {
    return cell_.complete(document, name) / "run.h5";
  }
  /// A copy of a record, changed.
  template <class Change>
  std::filesystem::path changed(const std::filesystem::path& run, const Change& change) const {
    RunRecord record = core::read_run(run);
    change(record);
    const std::filesystem::path file = cell_.path() / "changed.h5";
    core::write_run(file, record);
    return file;
  }
  /// As if the program had made it, not this test.
  std::filesystem::path made_by_program(const std::filesystem::path& run) const {
    const std::string said = run_program(cell_.path(), "--version").out;
    const std::string build = said.substr(said.find("build ") + 6);
    return changed(run, [&](RunRecord& r) { r.provenance["build"] = build.substr(0, build.size() - 1); });
  }
  /// The same with another document, as if it had always been that of the run.
  template <class Change>
  std::filesystem::path with_document(const std::filesystem::path& run, const Change& change) const {
    return changed(run, [&](RunRecord& record) {
      Json document = Json::parse(record.config);
      change(document);
      record.config = document.dump();
      record.config_sha256.clear();
      record.provenance["cell_id"] = cell_id(document, record.provenance.at("data_sha256"));
    });
  }
  ReplayRequest request(const std::filesystem::path& run) const { return {run, cell_.path() / "data"}; }
  ReplayReport replay(const ReplayRequest& request) const {
    Replay replay(request);
    return replay.run();
  }
  static std::vector<std::string>& texts(RunRecord& record, const std::string& series,
                                         const std::string& name) {
    for (core::Column& column : record.series_at(series).columns)
      if (column.name == name) return std::get<std::vector<std::string>>(column.values);
    throw std::logic_error("no column " + name);
  }
  static void expect_same(const ReplayReport& report, std::int64_t steps) {
    EXPECT_EQ(report.same, steps);
    for (const Disagreement& d : report.disagreements)
      ADD_FAILURE() << "step " << report.first << ", " << d.what << ": " << d.recorded << ", " << d.here;
  }

  SmallCell cell_;
};

TEST_F(ReplayTest, EveryKindOfMethodGivesTheSameBitsAgain) {
  for (const char* method : {"adamw", "poet_bs", "poet_xq", "wisca", "muon"}) {  // with merges and rescales
    SCOPED_TRACE(method);
    expect_same(replay(request(run_of(cell_.document(method), method))), 10);
  }
}

TEST_F(ReplayTest, Bf16GivesTheSameBitsAgain) {
  if (!core::has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16 products";
  expect_same(replay(request(run_of(cell_.document("adamw", Json::object(), {{"dtype", "bf16"}}), "bf16"))),
              10);
}

TEST_F(ReplayTest, ARunThatStartsFromWeightsNeedsThemUnchanged) {
  const std::filesystem::path first = weights_path(cell_.complete(cell_.document("adamw"), "first"));
  Json document = cell_.document("lora");
  document["from"] = {{"sha256", core::sha256_file(first)}};
  CellRequest tuning = cell_.request(document, "tuned");
  tuning.from = first;
  ASSERT_EQ(run_cell(tuning).outcome, Outcome::complete);
  ReplayRequest again = request(tuning.folder / "run.h5");
  EXPECT_HOLDS(message_of<ReplayError>([&] { Replay{again}; }), "expected --weights FILE");
  again.weights = first;
  expect_same(replay(again), 10);
  again.weights = weights_path(tuning.folder);
  EXPECT_HOLDS(message_of<ReplayError>([&] { Replay{again}; }), "has changed since the cell was planned");
}

TEST_F(ReplayTest, AResumedRunHasTheChainOfOneThatNeverStopped) {
  const Json document = cell_.document("poet_bs");
  const RecordedChain whole = read_chain(core::read_run(run_of(document, "whole")), 10);
  for (const int how : {1, 2}) {  // at step 7 between two merges, and back at the checkpoint of step 4
    CellRequest stopped = cell_.request(document, "stopped" + std::to_string(how));
    std::atomic<int> stop{0};
    stopped.stop = &stop;
    stopped.progress = [&](const Progress& p) { stop = p.step == 7 ? how : 0; };
    ASSERT_EQ(run_cell(stopped).outcome, Outcome::stopped);
    CellRequest goes_on = cell_.request(document, "resumed" + std::to_string(how));
    goes_on.earlier = {stopped.folder};
    ASSERT_EQ(run_cell(goes_on).outcome, Outcome::complete);
    const std::filesystem::path run = goes_on.folder / "run.h5";
    const RecordedChain resumed = read_chain(core::read_run(run), 10);
    ASSERT_EQ(resumed.tensors, whole.tensors);
    for (std::size_t k = 0; k <= 10; ++k) {
      EXPECT_EQ(resumed.links[k].link, whole.links[k].link) << k;
      EXPECT_EQ(resumed.links[k].digests, whole.links[k].digests) << k;
    }
    expect_same(replay(request(run)), 10);
  }
}

TEST_F(ReplayTest, WhatWasChangedInARecordIsNamedWithItsStep) {
  const std::filesystem::path run = run_of(cell_.document("adamw"), "adamw");
  const auto first = [&](const std::filesystem::path& file) {
    const ReplayReport report = replay(request(file));
    EXPECT_EQ(report.disagreements.size(), 1u);
    return std::pair(report.first, report.disagreements.empty() ? "" : report.disagreements.front().what);
  };
  const auto link = [](RunRecord& record) { texts(record, "replay", "link")[6] = "00000000000000ff"; };
  EXPECT_EQ(first(changed(run, link)), std::pair(std::int64_t{6}, std::string("link")));
  const auto digest = [](RunRecord& record) {
    const auto& names = texts(record, "replay/tensor", "name");
    const auto at = static_cast<std::size_t>(std::ranges::find(names, kGain) - names.begin());
    std::string& row = texts(record, "replay", "digests")[3];
    row[4 * at] = row[4 * at] == '0' ? '1' : '0';
  };
  EXPECT_EQ(first(changed(run, digest)), std::pair(std::int64_t{3}, std::string(kGain)));
  const auto loss = [](const char* series, std::size_t row) {
    return [=](RunRecord& record) {
      for (core::Column& column : record.series_at(series).columns)
        if (column.name == "loss") std::get<std::vector<double>>(column.values)[row] *= 1 + 0x1p-50;
    };
  };
  EXPECT_EQ(first(changed(run, loss("train", 4))), std::pair(std::int64_t{5}, std::string("train/loss")));
  EXPECT_EQ(first(changed(run, loss("valid", 1))),
            std::pair(std::int64_t{10}, std::string("valid/loss at step 10")));
}

TEST_F(ReplayTest, AWeightThatIsUpdatedOtherwiseIsNamedAtItsFirstStep) {
  const std::filesystem::path run = run_of(cell_.document("adamw"), "adamw");
  const std::filesystem::path other = with_document(run, [](Json& document) {
    Json group = document["method"]["groups"][0];
    group["parameters"] = kGain;
    group["update"][0]["epsilon"] = 1e-3;
    Json& groups = document["method"]["groups"];
    groups = Json::array({group, groups[0]});
  });
  const ReplayReport report = replay(request(other));
  EXPECT_EQ(report.same, 0);
  EXPECT_EQ(report.first, 1);
  EXPECT_EQ(report.compared, 1) << "it stops there";
  ASSERT_EQ(report.disagreements.size(), 1u) << "the loss of step 1 is that of the same weights";
  EXPECT_EQ(report.disagreements[0].what, kGain);
  EXPECT_NE(report.disagreements[0].recorded, report.disagreements[0].here);
}

TEST_F(ReplayTest, OtherThreadsAreAnotherEnvironmentAndNoFailure) {
  const std::filesystem::path run = run_of(cell_.document("poet_bs"), "poet_bs");
  ReplayRequest wanted = request(run);
  wanted.threads = 2;
  Replay elsewhere(wanted);
  EXPECT_FALSE(elsewhere.is_same_environment());
  EXPECT_EQ(differences_text(elsewhere.environment()), "threads recorded 1, here 2");
  EXPECT_EQ(remedy(elsewhere.environment(), "again"), "again");
  const ReplayReport report = elsewhere.run();
  EXPECT_EQ(report.compared, 10) << "it goes on past differences";
  EXPECT_LT(report.most, 1e-3);
}

TEST_F(ReplayTest, GoesNoFurtherThanItIsTold) {
  ReplayRequest wanted = request(run_of(cell_.document("adamw"), "adamw"));
  wanted.until = 4;
  const ReplayReport report = replay(wanted);
  expect_same(report, 4);
  EXPECT_EQ(report.compared, 4);
  wanted.until = 11;
  EXPECT_HOLDS(message_of<ReplayError>([&] { Replay{wanted}; }), "found --until 11; expected at most 10");
}

TEST_F(ReplayTest, RefusesWhatCannotBeTheRunThatWasRecorded) {
  const std::filesystem::path run = run_of(cell_.document("adamw"), "adamw");
  const auto refusal = [&](const ReplayRequest& wanted) {
    const std::string message = message_of<ReplayError>([&] { Replay{wanted}; });
    EXPECT_TRUE(message.starts_with(wanted.file.string())) << message;
    return message;
  };
  EXPECT_HOLDS(refusal(request(changed(run, [](RunRecord& r) { r.config += " "; }))), "SHA-256 of /config");
  EXPECT_HOLDS(refusal(request(changed(run,
                                       [](RunRecord& r) {
                                         Json document = Json::parse(r.config);
                                         document["seed"] = 6;
                                         r.config = document.dump();
                                         r.config_sha256.clear();
                                       }))),
               "it was changed after it was sealed");
  EXPECT_HOLDS(refusal(request(changed(run, [](RunRecord& r) { r.config = "[]", r.config_sha256.clear(); }))),
               "expected the resolved document of a cell");
  EXPECT_HOLDS(
      refusal(request(changed(
          run, [](RunRecord& r) { std::erase_if(r.series, [](auto& s) { return s.path == "replay"; }); }))),
      "it has no chain to compare with");
  EXPECT_HOLDS(refusal(request(changed(run, [](RunRecord& r) { texts(r, "replay", "digests")[2] = "00"; }))),
               "row 2 of /replay");
  ReplayRequest elsewhere = request(run);
  cell_.folder().write("other/toy/train.txt", made_text(20000, 3));
  cell_.folder().write("other/toy/valid.txt", made_text(4000, 4));
  elsewhere.data_dir = cell_.path() / "other";
  EXPECT_HOLDS(refusal(elsewhere), "was trained on other data");
  const std::string bytes = contents(run);
  const std::filesystem::path torn = cell_.folder().write("torn.h5", bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW((void)Replay(request(torn)), core::NoSeal);
}

TEST_F(ReplayTest, TheVerbSaysWhatItFoundByTextAndExitCode) {
  const std::filesystem::path run = cell_.path() / "mine.h5";
  std::filesystem::rename(made_by_program(run_of(cell_.document("adamw"), "adamw")), run);
  const std::string before = contents(run);
  std::filesystem::create_directory(cell_.path() / "temporary");
  const Ran same = run_program(cell_.path(), "replay mine.h5 --verify", "TMPDIR=temporary ");
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_HOLDS(same.out, "same to the last bit: 10 steps, 21 tensors");
  EXPECT_TRUE(std::filesystem::is_empty(cell_.path() / "temporary"));
  (void)changed(run, [](RunRecord& record) { texts(record, "replay", "link")[6] = "00000000000000ff"; });
  const Ran differs = run_program(cell_.path(), "replay changed.h5 --verify");
  EXPECT_EQ(differs.code, 3) << differs.err;
  EXPECT_HOLDS(differs.out,
               "the first difference is at step 6 of 10\n  link: recorded 00000000000000ff, here ");
  EXPECT_EQ(run_program(cell_.path(), "replay changed.h5").code, 0) << "without --verify nothing is computed";
  EXPECT_EQ(contents(run), before);
  const Ran wrong = run_program(cell_.path(), "replay data/toy/train.txt --verify");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_HOLDS(wrong.err, "isorbit: data/toy/train.txt: ");
}

TEST_F(ReplayTest, AnotherBuildIsAnotherEnvironmentAndNoFailure) {
  (void)changed(run_of(cell_.document("adamw"), "adamw"),
                [](RunRecord& record) { texts(record, "replay", "link")[6] = "00000000000000ff"; });
  const Ran ran = run_program(cell_.path(), "replay changed.h5 --verify");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.out, "environment differs: build recorded " + core::build_id() + ", here ");
}

TEST_F(ReplayTest, AnotherInstructionSetIsAnotherEnvironmentAndNoFailure) {
  if (core::effective_isa().find("avx512") == std::string::npos)
    GTEST_SKIP() << "this CPU has no instruction set below its own that a run is made for";
  (void)made_by_program(run_of(cell_.document("adamw"), "adamw"));
  const Ran ran = run_program(cell_.path(), "replay changed.h5 --verify", "ONEDNN_MAX_CPU_ISA=AVX2 ");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_HOLDS(ran.out, "environment differs: isa recorded " + core::effective_isa() + ", here avx2");
  EXPECT_HOLDS(ran.out, "env -u ONEDNN_MAX_CPU_ISA isorbit replay changed.h5 --verify");
  EXPECT_EQ(ran.out.find("failed"), std::string::npos);
}

TEST(ReplayEnvironment, OffersOnlyWhatThisMachineCan) {
  const std::map<std::string, std::string> here{
      {"version", "1"}, {"compiler", "c"}, {"onednn", "2"}, {"isa", "avx512_core"},
      {"threads", "2"}, {"dtype", "f32"},  {"cpu", "x"}};
  const auto offered = [&](const std::string& name, const std::string& recorded) {
    auto other = here;
    other[name] = recorded;
    return remedy(settings(other, here), "again").value_or("nothing");
  };
  EXPECT_EQ(offered("isa", "avx2"), "ONEDNN_MAX_CPU_ISA=AVX2 again");
  EXPECT_EQ(offered("isa", "avx512_core_amx"), "nothing");
  EXPECT_EQ(offered("threads", "1"), "again");
  EXPECT_EQ(offered("cpu", "y"), "nothing");
}

TEST_F(ReplayTest, ARecordOfTheFirstVersionIsHeldToItsChainAndThatTheRestIsNotComparedIsSaid) {
  const std::filesystem::path old = changed(run_of(cell_.document("adamw"), "cell"), [](RunRecord& record) {
    record.schema_version = 1;
    record.provenance["cell_id"] =
        cell_id(Json::parse(record.config), record.provenance.at("data_sha256"), 1);
    record.spectra.front().values.front() += 1;  // as taken elsewhere in its step
  });
  const ReplayReport report = replay(request(old));
  EXPECT_EQ(report.same, 10);
  EXPECT_TRUE(report.disagreements.empty());
  EXPECT_HOLDS(report.left_out, "schema version 1");
  EXPECT_EQ(core::read_run(old).schema_version, 1) << "and stays one when it is written again";
}

}  // namespace
}  // namespace isorbit::experiments
