// Whatever system call of a run, a repair or a gc fails, and however: no healthy file is moved, nothing that
// was acknowledged is lost, the exit code says it, and a run without faults ends in the undisturbed results.
//
// Of each kind of call on each kind of file one is tried with one error; with ISORBIT_FAULTS=errors with
// every error, which takes ten minutes; with ISORBIT_FAULTS=all every call with every error, which takes
// hours.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "experiments/training/attempts.hpp"
#include "tests/faults/faulty_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

constexpr std::array kCodes = {EIO, ENOLCK, ENOSYS, EMFILE, EACCES, ENOSPC, EDQUOT, EINTR};

class InjectedErrors : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer wants to be loaded before the library of faulty calls";
#endif
  }

  /// Faults to be tried on what `arguments` call, from a folder out that `prepare` makes.
  template <class Prepare>
  std::vector<Fault> faults_in(const std::string& arguments, const Prepare& prepare) const {
    prepare();
    (void)sweep_.calls();
    EXPECT_EQ(sweep_.run(arguments, {"none", "*", 1, EIO}).code, 0);
    const char* given = std::getenv("ISORBIT_FAULTS");
    const std::string asked = given == nullptr ? "" : given;
    const bool all = asked == "all";
    std::vector<Fault> out;
    for (const auto& [what, count] : sweep_.calls()) {
      const std::size_t kind = out.size();
      if (!all) {  // the first, the last and one between in turn
        const std::size_t number = std::array{std::size_t{1}, count, (count + 1) / 2}[kind % 3];
        for (std::size_t i = 0; i < (asked == "errors" ? kCodes.size() : 1); ++i)
          out.push_back({what.first, what.second, number, kCodes[(kind + i) % kCodes.size()]});
      }
      for (std::size_t number = 1; all && number <= count; ++number)
        for (const int code : kCodes) out.push_back({what.first, what.second, number, code});
    }
    std::printf("%zu faults in %s\n", out.size(), arguments.c_str());
    return out;
  }

  void copy_whole() const {
    fs::remove_all(sweep_.at("out"));
    fs::copy(sweep_.at("whole"), sweep_.at("out"), fs::copy_options::recursive);
  }
  void copy_cleaned() const {
    copy_whole();
    for (const Cell& cell : sweep_.cells())
      for (const Attempt& attempt : attempts_in(sweep_.at("out") / cell.folder))
        fs::remove_all(attempt.folder);
  }

  /// The published files by name, with their bytes.
  std::map<std::string, std::string> published() const {
    std::map<std::string, std::string> out;
    for (const Cell& cell : sweep_.cells())
      for (const char* name : {"done.json", "run.h5", "weights.safetensors"})
        out[(cell.folder / name).string()] = contents(sweep_.at("out") / cell.folder / name);
    return out;
  }

  void expect_honest(const Ran& ran) const {
    EXPECT_EQ(sweep_.put_aside(), std::vector<std::string>()) << ran.err << ran.out;
    EXPECT_TRUE(ran.code != 0 || sweep_.all_complete()) << ran.err << ran.out;
  }
  void expect_undisturbed_after_another_run() const {
    const Ran again = sweep_.run("run sweep.json -o out");
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(sweep_.put_aside(), std::vector<std::string>()) << again.err;
    EXPECT_EQ(sweep_.differs(), "");
  }

  /// On a finished sweep that `prepare` makes no fault changes a published file.
  template <class Prepare>
  void expect_published_files_stay(const std::string& arguments, const Prepare& prepare) const {
    for (const Fault& fault : faults_in(arguments, prepare)) {
      SCOPED_TRACE(fault.at() + " errno " + std::to_string(fault.code));
      prepare();
      const auto before = published();
      const Ran ran = sweep_.run(arguments, fault);
      expect_honest(ran);
      EXPECT_EQ(published(), before) << ran.err << ran.out;
    }
  }

  FaultySweep sweep_;
};

TEST_F(InjectedErrors, OfARunFailItsCellAndAnotherRunEndsInTheUndisturbedResults) {
  const std::string arguments = "run sweep.json -o out";
  const auto prepare = [&] { fs::remove_all(sweep_.at("out")), fs::create_directory(sweep_.at("out")); };
  for (const Fault& fault : faults_in(arguments, prepare)) {
    SCOPED_TRACE(fault.at() + " errno " + std::to_string(fault.code));
    prepare();
    expect_honest(sweep_.run(arguments, fault));
    expect_undisturbed_after_another_run();
  }
}

TEST_F(InjectedErrors, OfARunOfAFinishedSweepThatWasCopiedAndCleanedMoveNothing) {
  expect_published_files_stay("run sweep.json -o out", [&] { copy_cleaned(); });
}

TEST_F(InjectedErrors, OfARepairOfWhatIsWholeMoveNothing) {
  expect_published_files_stay("repair out", [&] { copy_cleaned(); });
}

TEST_F(InjectedErrors, OfAGcMoveNothingThatIsPublished) {
  expect_published_files_stay("gc out", [&] { copy_whole(); });
}

TEST_F(InjectedErrors, OfARepairOfAResultThatWasCutOffLeaveAllThatAnotherRunNeeds) {
  const auto prepare = [&] {
    copy_whole();
    for (const Cell& cell : sweep_.cells())
      for (const char* name : {"done.json", "run.h5", "weights.safetensors", "attempt-0001/result.json"})
        fs::remove(sweep_.at("out") / cell.folder / name);
  };
  for (const Fault& fault : faults_in("repair out", prepare)) {
    SCOPED_TRACE(fault.at() + " errno " + std::to_string(fault.code));
    prepare();
    expect_honest(sweep_.run("repair out", fault));
    const Ran again = sweep_.run("run sweep.json -o out");
    EXPECT_EQ(again.code, 0) << again.err;
    for (const Cell& cell : sweep_.cells())
      for (const Attempt& attempt : attempts_in(sweep_.at("out") / cell.folder))
        EXPECT_TRUE(attempt.number == 1 || !fs::exists(attempt.folder / "journal.log"))
            << "it was trained again";
    EXPECT_EQ(sweep_.differs(), "");
  }
}

}  // namespace
}  // namespace isorbit::experiments
