#include "experiments/sweep/sweep_folder.hpp"

#include <gtest/gtest.h>

#include "experiments/sweep/labels.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

Cell cell_of(std::int64_t seed, const std::string& id, const std::string& label = {}) {
  Cell cell;
  cell.arm = "adamw";
  if (!label.empty()) cell.changed.push_back({"method.rate", label});
  cell.seed = seed;
  cell.id = id + std::string(56, '0');
  cell.folder = folder_of(cell);
  return cell;
}

TEST(SweepFolder, FindsACellByItsIdUnderAnotherLabelAndAnotherArm) {
  const TemporaryFolder here;
  std::filesystem::create_directories(here.path() / "older/rate=-1-s3-0123abcd");
  std::filesystem::create_directories(here.path() / "adamw/rate=-2-s3-0123abcd");
  const SweepFolder folder(here.path());
  EXPECT_EQ(folder.of(cell_of(3, "0123abcd")), here.path() / "adamw/rate=-2-s3-0123abcd")
      << "the first by name";
  const Cell other_seed = cell_of(4, "0123abcd"), other_id = cell_of(3, "0123abce");
  EXPECT_EQ(folder.of(other_seed), here.path() / other_seed.folder);
  EXPECT_EQ(folder.of(other_id), here.path() / other_id.folder);
  const Cell own = cell_of(3, "0123abcd", "-2");
  EXPECT_EQ(folder.of(own), here.path() / own.folder);
}

TEST(SweepFolder, OfNoFolderIsWhereTheCellWouldBe) {
  const TemporaryFolder here;
  const Cell cell = cell_of(0, "0123abcd");
  EXPECT_EQ(locate(here.path() / "nothing", cell), here.path() / "nothing" / cell.folder);
}

TEST(SweepFolder, WhatCannotBeToldIsNotTakenForAbsent) {
  const TemporaryFolder here;
  std::filesystem::create_directory_symlink("adamw", here.path() / "adamw");  // ELOOP
  const Cell cell = cell_of(0, "0123abcd");
  EXPECT_THROW((void)locate(here.path(), cell), std::system_error);
}

TEST(SweepFolder, KnowsTheNamesThatAreItsOwn) {
  for (const char* own : {"plan.json", "plans", "forecast.json", "expected.json", "slurm", "compare.txt",
                          "compare.json", "Plan.JSON", "plan.json.12-3.part", "forecast.json.damaged"})
    EXPECT_TRUE(is_own_name(own)) << own;
  for (const char* free : {"plan", "adamw", "plans2", "my-plan.json", "slurm-like", "compare"})
    EXPECT_FALSE(is_own_name(free)) << free;
}

}  // namespace
}  // namespace isorbit::experiments
