// File systems that lack what others have: locks, hard links, renames that replace nothing. A sweep ends
// there in the same results, is repaired and cleaned.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/faults/faulty_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

struct Lack {
  std::string call;
  int code;
};

class OddFileSystem : public testing::TestWithParam<Lack> {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer wants to be loaded before the library of faulty calls";
#endif
  }
  Fault always() const { return {GetParam().call, "*", 0, GetParam().code}; }
  FaultySweep sweep_;
};

TEST_P(OddFileSystem, EndsASweepInTheSameResults) {
  const Ran ran = sweep_.run("run sweep.json -o out", always());
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(sweep_.differs(), "");
  EXPECT_TRUE(sweep_.all_complete());
  const Ran again = sweep_.run("run sweep.json -o out", always());
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_HOLDS(again.err, "2 of 2 cells complete");
}

TEST_P(OddFileSystem, RepairsAndCleansAndTakesNothingForDamaged) {
  fs::copy(sweep_.at("whole"), sweep_.at("out"), fs::copy_options::recursive);
  const Cell& cut = sweep_.cells()[0];
  for (const char* name : {"done.json", "run.h5"}) fs::remove(sweep_.at("out") / cut.folder / name);
  const Ran repair = sweep_.run("repair out", always());
  EXPECT_EQ(repair.code, 0) << repair.out << repair.err;
  EXPECT_EQ(sweep_.differs(), "");
  EXPECT_EQ(sweep_.run("gc out", always()).code, 0);
  EXPECT_EQ(sweep_.run("repair out", always()).code, 0);
  EXPECT_EQ(sweep_.put_aside(), std::vector<std::string>());
  EXPECT_EQ(sweep_.differs(), "");
}

std::vector<Lack> lacks() {
  std::vector<Lack> out;
  for (const char* call : {"lock", "link"})
    for (const int code : {ENOSYS, EOPNOTSUPP, EINVAL, EPERM}) out.push_back({call, code});
  out.push_back({"lock", ENOLCK});
  return out;
}

INSTANTIATE_TEST_SUITE_P(, OddFileSystem, testing::ValuesIn(lacks()),
                         [](const auto& lack) { return lack.param.call + std::to_string(lack.param.code); });

}  // namespace
}  // namespace isorbit::experiments
