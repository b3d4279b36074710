#include "core/record/live_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include "core/record/durable_file.hpp"
#include "core/record/hdf5.hpp"
#include "tests/core/live_table.hpp"

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;
using Kind = LiveColumn::Kind;

double loss(double step) { return 1 / (step + 1); }
float singular_value(double step, std::size_t k) { return static_cast<float>(step) - static_cast<float>(k); }

const std::vector<LiveTable> kTables = {
    {"train", {{"step"}, {"loss"}}},
    {"spectrum/w.weight", {{"step"}, {"singular_values", Kind::floats, 3}}},
    {"event", {{"step"}, {"kind", Kind::text, 4}, {"parameter", Kind::text, 16}}}};

class LiveFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("isorbit_live_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "live.h5";
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Steps begin, ..., end - 1; a spectrum every other one.
  static void write(LiveFile& file, int begin, int end) {
    std::vector<LiveRow> train, spectrum;
    for (int step = begin; step < end; ++step) {
      train.push_back({double(step), loss(step)});
      if (step % 2 == 0)
        spectrum.push_back({double(step), std::vector<float>{singular_value(step, 0), singular_value(step, 1),
                                                             singular_value(step, 2)}});
    }
    file.append("train", train);
    if (!spectrum.empty()) file.append("spectrum/w.weight", spectrum);
    file.flush();
  }

  // 0 when all rows of the file are right and there are those of `least` steps at least.
  static int check(const fs::path& path, std::size_t least) {
    const auto steps = read_field(path, "train", "step"), losses = read_field(path, "train", "loss");
    const auto times = read_field(path, "spectrum/w.weight", "step");
    const auto values = read_field(path, "spectrum/w.weight", "singular_values");
    if (!steps || !losses || !times || !values) return 1;
    std::size_t rows = 0, spectra = 0;
    for (std::size_t i = 0; i < steps->doubles().size(); ++i) {
      const double step = steps->doubles()[i];
      if (std::isnan(step)) continue;
      if (step != double(rows++) || losses->doubles().at(i) != loss(step)) return 2;
    }
    for (std::size_t i = 0; i < times->doubles().size(); ++i) {
      const double step = times->doubles()[i];
      if (std::isnan(step)) continue;
      if (step != double(2 * spectra++)) return 3;
      for (std::size_t k = 0; k < 3; ++k)
        if (values->floats().at(3 * i + k) != singular_value(step, k)) return 4;
    }
    return rows < least ? 5 : spectra < (least + 1) / 2 ? 6 : 0;
  }

  static std::string message(const std::function<void()>& act) {
    try {
      act();
    } catch (const hdf5::Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder_, path_;
};

/// A pipe: what a process tells another, and how far.
class Line {
 public:
  Line() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Line() {
    for (const int end : ends_) ::close(end);
  }
  void tell(int value) const { EXPECT_EQ(::write(ends_[1], &value, sizeof value), int(sizeof value)); }
  [[nodiscard]] int hear() const {
    int value = -1;
    return ::read(ends_[0], &value, sizeof value) == int(sizeof value) ? value : -1;
  }
  /// The last value that was told so far; `value` when there was none.
  [[nodiscard]] int last(int value) const {
    for (pollfd wait{ends_[0], POLLIN, 0}; ::poll(&wait, 1, 0) == 1 && (wait.revents & POLLIN) != 0;)
      value = hear();
    return value;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST_F(LiveFileTest, AReaderThatHasItOpenSeesWhatIsFlushedWhileTheWriterLives) {
  const Line written, read;
  const pid_t writer = ::fork();
  if (writer == 0) {
    LiveFile file(path_, kTables);
    for (int step : {0, 5, 300}) {
      const int end = step == 0 ? 5 : step == 5 ? 300 : 301;
      write(file, step, end);
      written.tell(end);
      (void)read.hear();
    }
    ::_exit(0);
  }
  const int code = in_child([&] {
    (void)written.hear();
    const hid_t file = open_live(path_);
    for (const std::size_t rows : {5u, 300u, 301u}) {
      const auto steps = read_field(file, "train", "step");
      if (!steps || steps->doubles().size() != rows || check(path_, rows) != 0) return 1;
      read.tell(0);
      if (rows < 301) (void)written.hear();
    }
    return 0;
  });
  EXPECT_EQ(code, 0);
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
}

TEST_F(LiveFileTest, KilledAtAnyMomentItOpensWithEveryFlushedRowAndNoWrongOne) {
  for (int kill = 0; kill < 40; ++kill) {
    fs::remove(path_);
    fs::remove(part_of(path_));
    const Line written;
    const pid_t writer = ::fork();
    if (writer == 0) {
      LiveFile file(path_, kTables);
      for (int step = 0;; step += 1 + kill % 7) {
        write(file, step, step + 1 + kill % 7);
        written.tell(step + 1 + kill % 7);
      }
    }
    const int first = kill % 4 == 0 ? 0 : written.hear();
    ::usleep(static_cast<useconds_t>(kill * 7919 % 10000));
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    const int flushed = written.last(first);
    if (flushed == 0 && !fs::exists(path_)) continue;  // killed before there was one
    EXPECT_EQ(in_child([&] { return check(path_, static_cast<std::size_t>(flushed)); }), 0)
        << "kill " << kill << " after " << flushed << " rows";
  }
}

TEST_F(LiveFileTest, KeepsTextWholeCharactersOnlyAndNumbersBitForBit) {
  {
    LiveFile file(path_, kTables);
    const std::vector<LiveRow> rows = {{5.0, "merge", "layers.0"}, {1e9, "ab\xc3\xa9\xc3\xa9", ""}};
    file.append("event", rows);
    file.append("train", std::vector<LiveRow>{{-0.0, 1e-310}});
  }
  const auto kinds = *read_field(path_, "event", "kind");
  EXPECT_EQ(kinds.text(0), "merg");
  EXPECT_EQ(kinds.text(1), "ab\xc3\xa9");
  EXPECT_EQ(read_field(path_, "event", "parameter")->text(0), "layers.0");
  EXPECT_EQ(read_field(path_, "event", "step")->doubles(), (std::vector<double>{5, 1e9}));
  EXPECT_TRUE(std::signbit(read_field(path_, "train", "step")->doubles().at(0)));
  EXPECT_EQ(read_field(path_, "train", "loss")->doubles().at(0), 1e-310);
  EXPECT_TRUE(read_field(path_, "spectrum/w.weight", "step")->doubles().empty());
}

TEST_F(LiveFileTest, AReadersLockDoesNotStopTheWriter) {
  EXPECT_EQ(in_child([&] {
              LiveFile file(path_, kTables);
              const int other = ::open(path_.c_str(), O_RDONLY);
              if (::flock(other, LOCK_SH | LOCK_NB) != 0) return 1;
              write(file, 0, 5);
              return 0;
            }),
            0);
  EXPECT_EQ(in_child([&] { return check(path_, 5); }), 0);
}

TEST_F(LiveFileTest, NothingThatIsThereIsReplaced) {
  std::ofstream(path_) << "mine";
  EXPECT_EQ(message([&] { LiveFile file(path_, kTables); }),
            path_.string() + ": cannot create: it is there already");
  EXPECT_EQ(fs::file_size(path_), 4u);
}

TEST_F(LiveFileTest, ErrorsNameFileAndTable) {
  const std::string absent = message([&] { LiveFile file(folder_ / "absent" / "live.h5", kTables); });
  EXPECT_EQ(absent,
            (folder_ / "absent" / "live.h5.part").string() + ": cannot create (No such file or directory)");
  const std::string wide = message([&] {
    LiveFile file(path_, {{"wide", {{"step"}, {"values", Kind::floats, 20000}}}});
  });
  EXPECT_NE(wide.find("live.h5:/wide: cannot"), std::string::npos) << wide;
  EXPECT_TRUE(fs::is_empty(folder_));
  LiveFile file(path_, kTables);
  const std::vector<LiveRow> text = {{1.0, "text"}}, one = {{1.0}}, good = {{1.0, 2.0}};
  EXPECT_EQ(message([&] { file.append("train", text); }),
            path_.string() + ":/train: found another kind or number of values for column \"loss\"");
  EXPECT_EQ(message([&] { file.append("train", one); }),
            path_.string() + ":/train: found a row of 1 values; expected 2");
  EXPECT_EQ(message([&] { file.append("other", good); }),
            path_.string() + ":/other: found rows of a table that was not made");
  EXPECT_EQ(message([&] { file.append("train", good); }), "no error");
}

// Exits in the ordinary way, as the library's own end at exit is what crashes over such files.
void fill_the_disk(const fs::path& folder) {
  ::signal(SIGXFSZ, SIG_IGN);
  int code = 1;
  {
    LiveFile file(folder / "live.h5", kTables);
    const rlimit limit{60000, 60000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      for (int step = 0; step < 100000; step += 10) {
        std::vector<LiveRow> rows;
        for (int i = 0; i < 10; ++i) rows.push_back({double(step + i), 0.0});
        file.append("train", rows);
        file.flush();
      }
    } catch (const hdf5::Error& error) {
      const std::string what = error.what();
      code = what.find("live.h5") != std::string::npos && what.find("File too large") != std::string::npos
                 ? 0
                 : 2;
    }
  }
  (void)hdf5::File::create("other.h5").finish();  // the library still works
  std::exit(code);
}

TEST_F(LiveFileTest, AFullDiskIsAnErrorAndNoCrashAtExit) {
  EXPECT_EXIT(fill_the_disk(folder_), testing::ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace isorbit::core
