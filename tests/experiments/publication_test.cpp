// What is published of a cell: every file of it is checked, mended from its attempt, and never put aside
// because it could not be read.
#include "experiments/sweep/publication.hpp"

#include <gtest/gtest.h>

#include "core/record/second_name.hpp"
#include "experiments/sweep/garbage.hpp"
#include "experiments/sweep/repair.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/file_damage.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_cell.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

class PublishedCell : public testing::Test {
 protected:
  PublishedCell() {
    folder_ = small_.complete(document(), "cell");
    id_ = core::read_run(folder_ / "run.h5").provenance.at("cell_id");
    for (const char* name : {"done.json", "run.h5", "weights.safetensors"}) {
      whole_[name] = contents(folder_ / name);
      copy_in_place(folder_ / name);  // of an attempt's file, as on a copied tree
    }
  }
  Json document() const { return small_.document("adamw", {}, {{"steps", 4}, {"validate_every", 4}}); }
  fs::path attempt(int number = 1) const { return folder_ / attempt_name(number); }
  void expect_whole() const {
    for (const auto& [name, bytes] : whole_) EXPECT_TRUE(contents(folder_ / name) == bytes) << name;
    EXPECT_TRUE(is_complete_to_the_byte(folder_, id_));
  }
  Examination mended() const {
    const Examination found = examine(folder_, id_, true);
    mend(folder_, found);
    return found;
  }

  SmallCell small_;
  fs::path folder_;
  std::string id_;
  std::map<std::string, std::string> whole_;
};

TEST_F(PublishedCell, HasADamagedFileReplacedByTheAttemptsWholeOne) {
  for (const char* name : {"run.h5", "weights.safetensors"}) {
    flip(folder_ / name);
    EXPECT_FALSE(is_complete(folder_, id_)) << name;
    const Examination found = mended();
    EXPECT_EQ(found.need, Need::names) << found.text;
    EXPECT_HOLDS(found.text, std::string(name) + " of attempt-0001 is given its name here");
    EXPECT_TRUE(fs::exists(folder_ / (std::string(name) + ".damaged")));
    expect_whole();
  }
}

TEST_F(PublishedCell, HasDamageOfWeightsFoundWhoseDataStandAndWhoseNamesDoNot) {
  const std::string bytes = whole_["weights.safetensors"];
  flip(folder_ / "weights.safetensors", bytes.find("layers.0"));
  EXPECT_FALSE(is_complete_to_the_byte(folder_, id_));
  EXPECT_EQ(mended().need, Need::names);
  expect_whole();
}

TEST_F(PublishedCell, KeepsItsAttemptsWhileAnyFileOfItIsDamaged) {
  Cell cell;
  cell.id = id_;
  cell.folder = "cell";
  flip(folder_ / "weights.safetensors");
  EXPECT_TRUE(garbage_of(small_.path(), cell, true).empty());
  (void)mended();
  EXPECT_EQ(garbage_of(small_.path(), cell, true).size(), 1U);
}

TEST_F(PublishedCell, KeepsAnAttemptWithWeightsThatALaterOneFollowsUntilItIsComplete) {
  Cell cell;
  cell.id = id_;
  cell.folder = "cell";
  fs::create_directory(attempt(2));
  fs::remove(folder_ / "run.h5");
  EXPECT_TRUE(garbage_of(small_.path(), cell, true).empty());
}

TEST_F(PublishedCell, IsPutAsideAsAWholeWhereItsWeightsAreDamagedForGood) {
  fs::remove_all(attempt());
  flip(folder_ / "weights.safetensors");
  const Examination found = mended();
  EXPECT_EQ(found.need, Need::training);
  EXPECT_HOLDS(found.text, "is trained from the start");
  for (const char* name : {"done.json", "run.h5", "weights.safetensors"}) {
    EXPECT_FALSE(fs::exists(folder_ / name)) << name;
    EXPECT_TRUE(fs::exists(folder_ / (std::string(name) + ".damaged"))) << name;
  }
}

TEST_F(PublishedCell, WhoseWeightsSomebodyRemovedIsCompleteAndTheAdviceTrainsItAgain) {
  fs::remove_all(attempt());
  fs::remove(folder_ / "weights.safetensors");
  const Examination found = examine(folder_, id_, true);
  EXPECT_EQ(found.need, Need::nothing);
  EXPECT_TRUE(is_complete(folder_, id_));
  EXPECT_HOLDS(found.text,
               "is gone, and the attempt that had it; without done.json isorbit run trains the cell again");
  fs::remove(folder_ / "done.json");
  EXPECT_EQ(examine(folder_, id_).need, Need::training);
}

TEST_F(PublishedCell, HasALostOrDamagedDoneMadeAgainFromItsRecordAndWeights) {
  const Result before = read_result(folder_ / "done.json");
  fs::remove_all(attempt());
  fs::remove(folder_ / "done.json");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(mended().need, Need::result);
    const Result now = read_result(folder_ / "done.json");
    EXPECT_EQ(now.attempt, before.attempt);
    EXPECT_EQ(now.started, before.started);
    EXPECT_EQ(now.metric, before.metric);
    EXPECT_EQ(now.weights_sha256, before.weights_sha256);
    whole_.erase("done.json");  // its time stamps are new
    expect_whole();
    fs::resize_file(folder_ / "done.json", 20);
  }
}

TEST_F(PublishedCell, OfANewAttemptNeverStandsBesideAnOlderOnesFiles) {
  CellRequest again = small_.request(document(), "cell");
  again.folder = attempt(2);
  fs::remove(folder_ / "done.json");
  ASSERT_EQ(run_cell(again).outcome, Outcome::complete);
  flip(folder_ / "weights.safetensors");
  ASSERT_TRUE(core::name_again(result_path(attempt(2)), folder_ / "done.json"));
  EXPECT_FALSE(is_complete(folder_, id_)) << "killed after done.json";
  EXPECT_EQ(mended().need, Need::names);
  for (const char* name : {"run.h5", "weights.safetensors"})
    EXPECT_TRUE(contents(folder_ / name) == contents(attempt(2) / name)) << name;
  EXPECT_TRUE(is_complete_to_the_byte(folder_, id_));

  for (const char* name : {"done.json", "run.h5", "weights.safetensors"}) fs::remove(folder_ / name);
  for (const char* name : {"run.h5", "weights.safetensors"}) fs::copy_file(attempt() / name, folder_ / name);
  EXPECT_TRUE(publish_attempt(attempt(2)));
  EXPECT_TRUE(contents(folder_ / "run.h5") == contents(attempt(2) / "run.h5"));
  EXPECT_TRUE(contents(folder_ / "run.h5.replaced") == contents(attempt() / "run.h5"));
  EXPECT_TRUE(is_complete_to_the_byte(folder_, id_));
}

TEST_F(PublishedCell, WithAFileOfAnotherCellIsMended) {
  const fs::path other = small_.complete(small_.document("adamw", {}, {{"steps", 5}}), "other");
  for (const char* name : {"run.h5", "weights.safetensors", "done.json"}) {
    fs::remove(folder_ / name);
    fs::copy_file(other / name, folder_ / name);
    EXPECT_FALSE(is_complete(folder_, id_)) << name;
    EXPECT_NE(mended().need, Need::training) << name;
    expect_whole();
  }
}

TEST_F(PublishedCell, OfAnEarlierVersionIsCompleteAndItsWeightsAreCheckedByWhatTheySay) {
  Json done = core::read_document(folder_ / "done.json").root;
  for (const char* key : {"started", "weights_sha256", "weights_bytes", "weights_modified"}) done.erase(key);
  std::ofstream(folder_ / "done.json") << done.dump();
  fs::remove_all(attempt());
  EXPECT_TRUE(is_complete(folder_, id_));
  EXPECT_TRUE(is_complete_to_the_byte(folder_, id_));
  flip(folder_ / "weights.safetensors");
  EXPECT_FALSE(is_complete_to_the_byte(folder_, id_));
}

TEST_F(PublishedCell, WithAFileThatCannotBeReadIsLeftAsItIs) {
  for (const char* name : {"done.json", "run.h5", "weights.safetensors"}) {
    SCOPED_TRACE(name);
    const Hidden hidden(folder_ / name);
    EXPECT_THROW((void)is_complete(folder_, id_), std::system_error);
    EXPECT_THROW((void)is_complete_to_the_byte(folder_, id_), std::system_error);
    EXPECT_THROW((void)examine(folder_, id_), std::system_error);
    EXPECT_TRUE(fs::is_symlink(folder_ / name));
  }
  expect_whole();
  fs::remove(folder_ / "done.json");
  for (const char* name : {"journal.log", "weights.safetensors", "run.h5", "result.json"}) {
    SCOPED_TRACE(name);
    const Hidden hidden(attempt() / name);
    EXPECT_THROW((void)examine(folder_, id_), std::system_error);
  }
  EXPECT_EQ(mended().need, Need::publish);
  expect_whole();
}

TEST_F(PublishedCell, KeepsEarlierFilesThatWerePutAside) {
  for (const char* aside : {"run.h5.damaged", "run.h5.damaged-2", "run.h5.damaged-3"}) {
    flip(folder_ / "run.h5");
    (void)mended();
    copy_in_place(folder_ / "run.h5");
    EXPECT_TRUE(fs::exists(folder_ / aside)) << aside;
  }
}

}  // namespace
}  // namespace isorbit::experiments
