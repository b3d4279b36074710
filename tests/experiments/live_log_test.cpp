#include "experiments/training/live_log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>

#include "core/record/journal.hpp"
#include "core/record/run_file.hpp"
#include "experiments/training/recorder.hpp"
#include "tests/core/live_table.hpp"
#include "tests/experiments/lives.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;
using core::read_field;

Json train_row(std::int64_t step) {
  return {{"t", "train"},           {"step", step},   {"loss", 1.0 / static_cast<double>(step)},
          {"learning_rate", {0.5}}, {"grad_norm", 1}, {"tokens", 64 * step},
          {"seconds", 0.25}};
}

/// The fields of a live file that is not written any more, each read once.
class View {
 public:
  explicit View(fs::path file) : file_(std::move(file)) {}

  const core::LiveField& operator()(const std::string& table, const std::string& field) {
    auto& found = fields_[{table, field}];
    if (!found) found = read_field(file_, table, field);
    if (!found) throw std::runtime_error(file_.string() + ": cannot read " + field + " of " + table);
    return *found;
  }
  double number(const std::string& table, const std::string& field, std::size_t row) {
    return (*this)(table, field).doubles().at(row);
  }

 private:
  fs::path file_;
  std::map<std::pair<std::string, std::string>, std::optional<core::LiveField>> fields_;
};

// Row by row and in order, of every kind a reader is shown.
void expect_the_rows_of_the_journal(const fs::path& folder) {
  View live(Recorder::live_path(folder));
  std::map<std::string, std::size_t> seen;
  for (const Json& row : core::Journal::read(Recorder::journal_path(folder)).rows) {
    const auto kind = row.at("t").get<std::string>();
    std::string table = kind;
    if (kind == "replay" || kind == "replay_tensors" || kind == "groups") continue;
    if (kind == "measure") table = row.at("series").get<std::string>();
    if (kind == "spectrum") table = "spectrum/" + row.at("parameter").get<std::string>();
    const std::size_t at = seen[table]++;
    const std::string axis = kind == "segment" ? "start_step" : "step";
    EXPECT_EQ(live.number(table, axis, at), row.at(axis).get<double>());
    if (kind == "train" || kind == "valid") {
      EXPECT_EQ(live.number(table, "loss", at), row.at("loss").get<double>());
    } else if (kind == "event") {
      EXPECT_EQ(live(table, "parameter").text(at), row.at("parameter").get<std::string>());
    } else if (kind == "measure") {
      for (const auto& [name, value] : row.at("values").items()) {
        if (!value.is_number() || std::isnan(value.get<double>())) continue;
        EXPECT_EQ(live.number(table, name, at), value.get<double>());
      }
    } else if (kind == "spectrum") {
      const std::vector<float> expected = core::unpack_floats(row.at("singular_values"));
      const std::vector<float> values = live(table, "singular_values").floats();
      ASSERT_GE(values.size(), (at + 1) * expected.size());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                             values.begin() + static_cast<std::ptrdiff_t>(at * expected.size())));
    }
  }
  for (const auto& [table, rows] : seen)
    EXPECT_EQ(live(table, table == "segment" ? "start_step" : "step").doubles().size(), rows) << table;
  EXPECT_TRUE(seen.contains("train") && seen.contains("valid"));
}

// What a full disk does to the view, in a process of its own.
int fill_the_disk(const fs::path& file) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{60000, 60000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::vector<std::string> notes;
  LiveLog log(file, {}, [&](const std::string& text) { notes.push_back(text); });
  for (std::int64_t step = 1; step < 20000 && notes.empty(); ++step) {
    log.push(train_row(step));
    if (step % 100 == 0) ::usleep(1000);
  }
  for (std::int64_t step = 1; step < 1000; ++step) log.push(train_row(step));
  log.close();
  return notes.size() != 1                                      ? 1
         : notes[0].find("File too large") == std::string::npos ? 2
         : fs::exists(file)                                     ? 3
                                                                : 0;
}

TEST(LiveLogDeathTest, AFullDiskSwitchesItOffAndSaysSoOnce) {
  const TemporaryFolder folder;
  EXPECT_EXIT(std::exit(fill_the_disk(folder.path() / "live.h5")), testing::ExitedWithCode(0), "^$");
}

TEST(LiveLog, RowsAreSeenASecondAfterTheyArePushedWithoutAHundredSteps) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "live.h5";
  const auto before = std::chrono::steady_clock::now();
  const pid_t writer = ::fork();  // no process can both write a file and read it as others do
  if (writer == 0) {
    LiveLog log(file, {}, {});
    log.push(train_row(1));
    ::pause();
  }
  const auto seen = [&] {
    return core::in_child([&] {
             const auto steps = read_field(file, "train", "step");
             return steps && steps->doubles() == std::vector<double>{1} ? 0 : 1;
           }) == 0;
  };
  bool once = false;
  while (!once && std::chrono::steady_clock::now() - before < std::chrono::seconds(10)) {
    ::usleep(50000);
    once = seen();
  }
  EXPECT_TRUE(once);
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
}

TEST(LiveLog, BeforeTheFirstStepThereIsNothingToSee) {
  const TemporaryFolder folder;
  LiveLog log(folder.path() / "live.h5", {}, {});
  log.push({{"t", "valid"}, {"step", 0}, {"loss", 1.0}});
  log.close();
  EXPECT_FALSE(fs::exists(folder.path() / "live.h5"));
}

TEST(LiveLog, ACellThatStopsLeavesTheJournalsRowsAndOneThatGoesOnShowsThoseBeforeToo) {
  const SmallCell cells;
  for (const char* method : {"poet_bs", "wisca"}) {
    Lives lives(cells, cells.document(method), method);
    lives.request().live = true;
    for (const std::int64_t last : {3, 7}) {
      ASSERT_EQ(lives.stopped_after(last).outcome, Outcome::stopped);
      expect_the_rows_of_the_journal(lives.last());
    }
    ASSERT_EQ(lives.to_the_end().outcome, Outcome::complete);
    EXPECT_FALSE(fs::exists(Recorder::live_path(lives.last())));
    EXPECT_EQ(core::read_run(Recorder::run_path(lives.last())).at("train").at("step").size(), 10u);
  }
}

TEST(LiveLog, NoneIsMadeWhereNoneIsWanted) {
  const SmallCell cells;
  Lives lives(cells, cells.document("adamw"), "adamw");
  lives.request().live = false;
  ASSERT_EQ(lives.stopped_after(3).outcome, Outcome::stopped);
  EXPECT_TRUE(fs::exists(Recorder::journal_path(lives.last())));
  EXPECT_FALSE(fs::exists(Recorder::live_path(lives.last())));
}

TEST(LiveLog, AViewThatCannotBeMadeIsOneNoteAndTheCellIsCompleteAllTheSame) {
  const SmallCell cells;
  CellRequest request = cells.request(cells.document("adamw"), "adamw");
  fs::create_directories(Recorder::live_path(request.folder));
  std::ofstream(Recorder::live_path(request.folder) / "in_the_way") << "x";
  std::vector<std::string> notes;
  request.note = [&](const std::string& text) { notes.push_back(text); };
  ASSERT_EQ(run_cell(request).outcome, Outcome::complete);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("live.h5 is switched off, and the run goes on without it: "), std::string::npos);
  EXPECT_NE(notes[0].find("it is there already"), std::string::npos);
}

}  // namespace
}  // namespace isorbit::experiments
