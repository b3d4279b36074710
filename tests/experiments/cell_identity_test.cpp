#include "experiments/training/cell_identity.hpp"

#include <gtest/gtest.h>

#include "experiments/training/cell_weights.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

const std::string kOurs(64, 'a'), kOther(64, 'b');

TEST(CellIdentity, ARecordOrWeightsOfAnotherCellAreRefusedByName) {
  const TemporaryFolder here;
  seal_cell(here.path() / "x-s0-aaaaaaaa", kOurs);
  const std::filesystem::path run = here.path() / "x-s0-aaaaaaaa/run.h5";
  EXPECT_EQ(cell_of(read_cell_run(run, kOurs)), kOurs);
  EXPECT_EQ(cell_of(read_cell_run(run, {})), kOurs) << "nothing is known of it";
  EXPECT_HOLDS(message_of<std::runtime_error>([&] { (void)read_cell_run(run, kOther); }),
               run.string() + ": is of another cell, aaaaaaaa; expected that of bbbbbbbb");
  const std::filesystem::path weights = here.path() / "w.safetensors";
  core::write_tensors(weights, {}, {{"cell_id", kOurs}});
  EXPECT_EQ(cell_of(read_cell_tensors(weights, kOurs)), kOurs);
  EXPECT_THROW((void)read_cell_tensors(weights, kOther), std::runtime_error);
  core::write_tensors(weights, {}, {});
  EXPECT_HOLDS(message_of<std::runtime_error>([&] { (void)read_cell_tensors(weights, kOurs); }),
               "is of no cell");
}

TEST(CellIdentity, WeightsBesideARecordAreThoseOfItsCell) {
  const TemporaryFolder here;
  const std::filesystem::path cell = here.path() / "x-s0-aaaaaaaa";
  seal_cell(cell, kOurs);
  std::filesystem::remove(cell / "weights.safetensors");
  core::write_tensors(cell / "weights.safetensors", {}, {{"cell_id", kOther}});
  EXPECT_HOLDS(message_of<std::runtime_error>([&] { (void)read_cell_weights(cell); }),
               "weights.safetensors: is of another cell, bbbbbbbb");
  core::write_tensors(cell / "weights.safetensors", {}, {{"cell_id", kOurs}});
  EXPECT_EQ(read_cell_weights(cell, kOurs).cell_id, kOurs);
  EXPECT_THROW((void)read_cell_weights(cell, kOther), std::runtime_error) << "as the sweep's plan says";
}

TEST(CellIdentity, AJournalSaysItInItsSegments) {
  const std::vector<Json> rows = {{{"t", "segment"}, {"cell", kOurs}}, {{"t", "train"}, {"step", 1}}};
  check_identity("journal.log", rows, kOurs);
  EXPECT_THROW(check_identity("journal.log", rows, kOther), std::runtime_error);
  check_identity("journal.log", std::vector<Json>{{{"t", "segment"}}}, kOther);  // NOLINT: an older one
}

TEST(CellIdentity, AFolderSaysItInDoneJsonElseInItsName) {
  const TemporaryFolder here;
  const std::filesystem::path named = here.path() / "rate=-1-s12-0123abcd", moved = here.path() / "mine";
  std::filesystem::create_directories(named / "attempt-0001");
  EXPECT_EQ(cell_of_folder(named), "0123abcd");
  EXPECT_EQ(cell_of_folder(named / ""), "0123abcd");
  EXPECT_EQ(cell_of_folder(named / "attempt-0001"), "0123abcd") << "an attempt is its cell's";
  seal_cell(moved, kOurs);
  EXPECT_EQ(cell_of_folder(moved), kOurs);
  for (const char* other : {"mine-too", "x-0123abcd", "s-0123abcd", "s1-0123abcg", "s1-0123abc"})
    EXPECT_EQ(cell_of_folder(here.path() / other), "") << other;
}

}  // namespace
}  // namespace isorbit::experiments
