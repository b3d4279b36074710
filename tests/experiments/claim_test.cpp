// Who works on a cell, when processes race, die, hang, come back, and clocks lie.
#include "experiments/sweep/claim.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include "experiments/training/attempts.hpp"
#include "tests/experiments/sealed_record.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A process of its own: tells when it has done its first part and waits to be told to go on.
class Child {
 public:
  template <class Body>
  explicit Child(const Body& body) {
    if (::pipe(up_.data()) != 0 || ::pipe(down_.data()) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) ::_exit(body(*this));
  }
  ~Child() {
    if (pid_ > 0) end(SIGKILL);
    for (const int descriptor : {up_[0], up_[1], down_[0], down_[1]}) ::close(descriptor);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // In the child.
  void tell(char word) const { (void)!::write(up_[1], &word, 1); }
  void wait() const {
    char word = 0;
    (void)!::read(down_[0], &word, 1);
  }
  // In the parent.
  char heard() const {
    char word = 0;
    (void)!::read(up_[0], &word, 1);
    return word;
  }
  void go() const { (void)!::write(down_[1], "g", 1); }
  void send(int signal) const { ::kill(pid_, signal); }
  int end(int signal = 0) {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  std::array<int, 2> up_{}, down_{};
  pid_t pid_ = -1;
};

class CellClaim : public testing::Test {
 protected:
  std::optional<Claim> take(double seconds = 60) { return Claim::take(cell_, watch_, seconds); }
  bool is_superseded(const Claim& claim) const {
    try {
      claim.check();
      return false;
    } catch (const Superseded&) {
      return true;
    }
  }
  /// The lease of somebody on another machine, touched so many seconds ago.
  fs::path foreign_lease(double age, bool ended = false) const {
    Owner owner = this_owner(0.3);
    const core::Json json = {
        {"host", "elsewhere"}, {"boot", "other"}, {"pid", 1},     {"uid", 0},
        {"job", "17_3"},       {"restarts", 0},   {"start", 0.0}, {"seconds", owner.seconds},
        {"locks", true},       {"ended", ended}};
    const fs::path file = folder_.write("cell/attempt-0001/lease", json.dump());
    touch(file, age);
    return file;
  }
  static void touch(const fs::path& file, double age) {
    fs::last_write_time(
        file, fs::file_time_type::clock::now() - std::chrono::duration_cast<fs::file_time_type::duration>(
                                                     std::chrono::duration<double>(age)));
  }

  TemporaryFolder folder_;
  fs::path cell_ = folder_.path() / "cell";
  LeaseWatch watch_;
};

TEST_F(CellClaim, OfManyAtOnceExactlyOneWins) {
  for (int round = 0; round < 5; ++round) {
    const fs::path cell = folder_.path() / std::to_string(round);
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 8; ++i)
      children.push_back(std::make_unique<Child>([&](const Child& self) {
        self.wait();
        LeaseWatch watch;
        const auto claim = Claim::take(cell, watch);
        self.tell(claim ? 'y' : 'n');
        self.wait();
        return 0;
      }));
    for (const auto& child : children) child->go();
    int winners = 0;
    for (const auto& child : children) winners += child->heard() == 'y' ? 1 : 0;
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(attempts_in(cell).size(), 1U);
    std::size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(cell)) ++entries;
    EXPECT_EQ(entries, 1U) << "the losers leave nothing";
    for (const auto& child : children) child->go();
  }
}

TEST_F(CellClaim, OfTheDeadIsTakenOverAtOnceAndOfTheLivingNot) {
  Child child([&](const Child& self) {
    const auto claim = take();
    self.tell(claim ? 'y' : 'n');
    self.wait();
    return 0;
  });
  ASSERT_EQ(child.heard(), 'y');
  EXPECT_FALSE(take());
  EXPECT_HOLDS(holder_of(cell_), "pid ");
  EXPECT_EQ(child.end(SIGKILL), -SIGKILL);
  const auto claim = take();
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->folder().filename(), "attempt-0002");
  EXPECT_EQ(claim->earlier(), std::vector<fs::path>{cell_ / "attempt-0001"});
  claim->check();
}

TEST_F(CellClaim, OfAHungOwnerIsTakenOverWhenItsLeaseHasRunOutAndItsFenceTells) {
  Child child([&](const Child& self) {
    const auto claim = take(0.5);
    self.tell(claim ? 'y' : 'n');
    self.wait();
    return is_superseded(*claim) ? 0 : 1;
  });
  ASSERT_EQ(child.heard(), 'y');
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  EXPECT_FALSE(take(0.5)) << "it beats";
  child.send(SIGSTOP);
  const Clock::time_point stopped = Clock::now();
  std::optional<Claim> claim;
  while (!claim && seconds_since(stopped) < 10) {
    if (auto taken = take(0.5)) claim.emplace(std::move(*taken));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(claim);
  EXPECT_GT(seconds_since(stopped), 0.3);
  EXPECT_LT(seconds_since(stopped), 5);
  child.go();
  child.send(SIGCONT);
  EXPECT_EQ(child.end(), 0) << "it did not notice that it had lost the cell";
  claim->check();
}

TEST_F(CellClaim, ThatEndedByItselfIsFreeForOtherMachinesAtOnce) {
  foreign_lease(0);
  EXPECT_FALSE(take());
  foreign_lease(0, true);
  EXPECT_TRUE(take());
  const auto look = look_at_lease(cell_ / "attempt-0002" / "lease");
  ASSERT_TRUE(look && look->owner);
  EXPECT_TRUE(look->owner->ended);
  EXPECT_EQ(look->owner->pid, ::getpid());
}

TEST_F(CellClaim, OfAnotherMachineIsJudgedByItsHeartbeat) {
  foreign_lease(0.2);
  EXPECT_FALSE(take());
  EXPECT_EQ(holder_of(cell_), "elsewhere pid 1 job 17_3");
  foreign_lease(0.4);
  EXPECT_TRUE(take());
}

TEST_F(CellClaim, FromTheFutureIsWatchedInsteadAndTakenWhenItIsNotTouched) {
  const fs::path lease = foreign_lease(-3600);
  const Clock::time_point start = Clock::now();
  for (int beat = 0; beat < 5; ++beat) {
    EXPECT_FALSE(take()) << "after " << seconds_since(start) << " s";
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    touch(lease, -3600 - beat);
  }
  EXPECT_FALSE(take());
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  EXPECT_TRUE(take());
}

TEST_F(CellClaim, FromTheFutureRunsOutForThoseThatLookOnceEach) {
  foreign_lease(-86400);
  const auto looks_once = [&] {
    LeaseWatch other;
    return Claim::take(cell_, other).has_value();
  };
  EXPECT_FALSE(looks_once());
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_TRUE(looks_once());
}

TEST_F(CellClaim, WhoseLockCannotBeAskedForIsJudgedByItsHeartbeat) {
  const auto claim = take(0.5);
  ASSERT_TRUE(claim);
  LeaseLook look = look_at_lease(claim->folder() / "lease").value();
  ASSERT_EQ(look.locked, true);
  look.locked = false;
  EXPECT_TRUE(look.is_free());
  look.locked = std::nullopt;
  EXPECT_FALSE(look.is_free()) << "no descriptor left is no sign of death";
}

TEST_F(CellClaim, WhoseLeaseCannotBeLookedAtIsAnError) {
  fs::create_directories(cell_ / "attempt-0001");
  fs::create_symlink("lease", cell_ / "attempt-0001" / "lease");
  EXPECT_THROW((void)take(), std::system_error);
  fs::remove(cell_ / "attempt-0001" / "lease");
  ASSERT_EQ(::mkfifo((cell_ / "attempt-0001" / "lease").c_str(), 0600), 0);
  EXPECT_FALSE(take()) << "a pipe of this name is no lease, and fresh";
}

TEST_F(CellClaim, KeepsTheUmaskAndTheGroupOfTheCellsFolder) {
  fs::create_directories(cell_);
  fs::permissions(cell_, fs::perms(02770));
  const mode_t before = ::umask(007);
  const auto claim = take();
  ::umask(before);
  ASSERT_TRUE(claim);
  EXPECT_EQ(fs::status(claim->folder()).permissions(), fs::perms(02770));
  EXPECT_EQ(fs::status(claim->folder() / "lease").permissions(), fs::perms(0660));
}

TEST_F(CellClaim, OfAnOwnerWhoseClockWasSetBackHoldsAsLongAsItBeats) {
  const auto claim = take(0.4);
  ASSERT_TRUE(claim);
  touch(claim->folder() / "lease", -7200);  // touched before its clock went back
  LeaseWatch other;
  const Clock::time_point start = Clock::now();
  while (seconds_since(start) < 1) {
    EXPECT_FALSE(Claim::take(cell_, other, 0.4)) << "after " << seconds_since(start) << " s";
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  claim->check();
}

TEST_F(CellClaim, WithADamagedLeaseIsFreeWhenItIsOld) {
  const fs::path lease = folder_.write("cell/attempt-0001/lease", "{\"host\": ");
  EXPECT_FALSE(take());
  touch(lease, 61);
  EXPECT_TRUE(take());
  fs::remove(cell_ / "attempt-0002" / "lease");
  EXPECT_TRUE(take()) << "without a lease";
}

TEST_F(CellClaim, IsLostWithItsFolderAndWhenTheCellIsPublished) {
  auto claim = take();
  ASSERT_TRUE(claim);
  seal_cell(cell_, "id");
  EXPECT_TRUE(is_superseded(*claim));
  fs::remove(cell_ / "done.json");
  EXPECT_FALSE(is_superseded(*claim));
  fs::remove_all(claim->folder());
  EXPECT_TRUE(is_superseded(*claim));
}

TEST_F(CellClaim, GivenUpLeavesNothing) {
  std::move(*take()).abandon();
  EXPECT_TRUE(fs::is_empty(cell_));
  EXPECT_EQ(take()->folder().filename(), "attempt-0001");
}

TEST_F(CellClaim, WhereNothingCanBeWrittenIsAnErrorThatNamesTheFolder) {
  folder_.write("cell", "a file where the folder should be");
  EXPECT_THROW((void)take(), std::system_error);
  try {
    (void)take();
  } catch (const std::system_error& error) {
    EXPECT_HOLDS(error.what(), cell_.string());
  }
}

TEST_F(CellClaim, TheFirstToPublishWins) {
  CellRequest slow, fast;
  slow.folder = cell_ / "attempt-0001";
  fast.folder = cell_ / "attempt-0002";
  seal(slow, "id");
  seal(fast, "id");
  EXPECT_TRUE(publish_attempt(fast.folder));
  EXPECT_FALSE(publish_attempt(slow.folder));
  EXPECT_TRUE(publish_attempt(fast.folder)) << "twice is once";
  EXPECT_EQ(read_result(cell_ / "done.json").attempt, "attempt-0002");
  EXPECT_TRUE(fs::equivalent(cell_ / "run.h5", fast.folder / "run.h5"));
  EXPECT_TRUE(fs::equivalent(cell_ / "weights.safetensors", fast.folder / "weights.safetensors"));
  EXPECT_TRUE(is_complete(cell_, "id"));
}

}  // namespace
}  // namespace isorbit::experiments
