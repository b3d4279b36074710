// A sweep of every kind of method, killed again and again at random, ends in the records of one left alone.
//
// Two runners work on one sweep. Whenever the sweep has come a random part of its way, one of them (now and
// then both) gets SIGKILL, at once or a little later, when it has only begun to start, and another takes its
// place. ISORBIT_CHAOS_KILLS says how often: 10 unless said otherwise, 200 by `ctest --preset chaos`.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "core/record/journal.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/same_record.hpp"

extern char** environ;

namespace isorbit::experiments {
namespace {

using core::Json;
namespace fs = std::filesystem;

std::size_t kills_wanted() {
  const char* asked = std::getenv("ISORBIT_CHAOS_KILLS");
  return asked == nullptr ? 10 : std::stoul(asked);
}

/// Twelve cells; merges, rescales, refreshes and rewarms every few steps, so that a kill falls between any
/// two. A kill costs the steps since the last checkpoint, a tenth of `kills` in all at most.
Json sweep_of(std::size_t kills) {
  const fs::path methods = fs::path(ISORBIT_SOURCE_DIR) / "experiments" / "methods";
  const auto arm = [&](const char* method, Json set = Json::object()) {
    return Json{{"method", (methods / method).string()}, {"set", std::move(set)}};
  };
  Json after = arm("lora_only.json", {{"rank", 4}});
  after["from"] = "adamw";
  const Json arms = {
      {"adamw", arm("adamw.json")},
      {"sgd", arm("sgd.json")},
      {"lion", arm("lion.json")},
      {"muon", arm("muon.json")},
      {"galore", arm("galore.json", {{"refresh", 7}, {"rank", 4}})},
      {"relora", arm("relora.json", {{"merge_every", 9}, {"rank", 4}})},
      {"lora_after_adamw", after},
      {"poet_bs", arm("poet_bs.json", {{"block_size", 16}, {"merge_every", 7}})},
      {"poet_fs", arm("poet_fs.json", {{"merge_every", 11}})},
      {"poet_xq", arm("poet_xq.json", {{"block_size", 16}, {"merge_every", 8}})},
      {"wisca", arm("wisca.json", {{"every", 7}})},
      {"poet_wisca", arm("poet_wisca.json", {{"block_size", 16}, {"merge_every", 9}, {"every", 6}})}};
  return {{"name", "chaos"},
          {"model",
           {{"file", (fs::path(ISORBIT_SOURCE_DIR) / "experiments" / "models" / "llama.json").string()},
            {"size", "micro"},
            {"constants", {{"width", 32}, {"heads", 4}, {"kv_heads", 2}, {"ffn", 48}, {"seq", 32}}}}},
          {"data", {{"corpus", "prose"}, {"tokenizer", "bytes"}}},
          {"training",
           {{"steps", 40 + 2 * kills},
            {"batch", 8},
            {"threads", 1},
            {"validate_every", 25},
            {"spectra_every", 25},
            {"valid_targets", 256},
            {"checkpoint_every", 4}}},
          {"arms", arms},
          {"seeds", {0}}};
}

/// A process of `isorbit run`, killed with its test.
class Runner {
 public:
  Runner(const fs::path& folder, const fs::path& log) {
    const std::vector<std::string> words = {ISORBIT_PROGRAM,
                                            "run",
                                            (folder / "sweep.json").string(),
                                            "--data",
                                            (folder / "data").string(),
                                            "-o",
                                            (folder / "killed").string(),
                                            "--wait",
                                            "--quiet"};
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0644);
    const int failed = ::posix_spawn(&pid_, ISORBIT_PROGRAM, &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::system_error(failed, std::generic_category(), ISORBIT_PROGRAM);
  }
  ~Runner() { kill(); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  /// Its exit status once it has ended by itself.
  std::optional<int> ended(bool wait = false) {
    int status = 0;
    if (::waitpid(pid_, &status, wait ? 0 : WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

class Chaos : public testing::Test {
 protected:
  Chaos() {
    here_.write("data/prose/train.txt", made_text(20000));
    here_.write("data/prose/valid.txt", made_text(4000, 2));
    here_.write("sweep.json", sweep_of(kills_).dump(1));
    EXPECT_EQ(::setenv("XDG_CACHE_HOME", (here_.path() / "cache").c_str(), 1), 0);
  }

  [[nodiscard]] fs::path sweep(const char* name) const { return here_.path() / name; }

  Ran run(const char* name) const {
    return run_program(here_.path(), "run sweep.json --data data -o " + std::string(name));
  }

  /// Of all its steps, by the journals of its newest attempts.
  [[nodiscard]] double progress() const {
    double done = 0;
    for (const Cell& cell : cells_) {
      const fs::path folder = sweep("killed") / cell.folder;
      std::error_code none;
      if (fs::exists(folder / "done.json", none)) {
        done += 1;
        continue;
      }
      const auto bytes_in = [&](const fs::path& of) {
        const std::vector<Attempt> attempts = attempts_in(of);
        if (attempts.empty()) return 0.0;
        const auto bytes = fs::file_size(attempts.front().folder / "journal.log", none);
        return none ? 0.0 : static_cast<double>(bytes);
      };
      done += std::min(1.0, bytes_in(folder) / std::max(1.0, bytes_in(sweep("whole") / cell.folder)));
    }
    return done / static_cast<double>(cells_.size());
  }

  void wait_for(double part) const {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (progress() < part) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "no progress at " << progress();
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }

  /// Steps that any process trained: the rows of every journal after the life that they begin with, which is
  /// another one's where a process was killed before it had said that it lives.
  [[nodiscard]] std::int64_t trained() const {
    std::int64_t count = 0;
    for (const Cell& cell : cells_) {
      std::set<double> lives;
      std::vector<Attempt> attempts = attempts_in(sweep("killed") / cell.folder);
      std::ranges::reverse(attempts);
      for (const Attempt& attempt : attempts) {
        std::error_code none;
        if (!fs::exists(attempt.folder / "journal.log", none)) continue;
        std::int64_t start = 0, last = 0;
        double life = 0;
        for (const Json& row : core::Journal::read(attempt.folder / "journal.log").rows) {
          if (row.at("t") == "train") last = row.at("step").get<std::int64_t>();
          if (row.at("t") != "segment") continue;
          start = row.at("start_step").get<std::int64_t>();
          life = row.at("start_time").get<double>();
        }
        if (lives.insert(life).second) count += std::max<std::int64_t>(0, last - start);
      }
    }
    return count;
  }

  const std::size_t kills_ = kills_wanted();
  TemporaryFolder here_;
  std::vector<Cell> cells_;
};

TEST_F(Chaos, ASweepThatIsKilledAtRandomEndsInTheRecordsOfOneLeftAlone) {
  const Ran whole = run("whole");
  ASSERT_EQ(whole.code, 0) << whole.err;
  cells_ = read_manifest(sweep("whole")).cells;
  ASSERT_EQ(cells_.size(), 12U);

  const fs::path log = here_.path() / "runners.log";
  std::vector<std::unique_ptr<Runner>> runners(2);
  for (auto& runner : runners) runner = std::make_unique<Runner>(here_.path(), log);
  std::mt19937_64 random(20261122);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> parts(kills_);
  for (double& part : parts) part = 0.97 * uniform(random);
  std::ranges::sort(parts);
  std::size_t kills = 0;
  for (const double part : parts) {
    ASSERT_NO_FATAL_FAILURE(wait_for(part)) << contents(log);
    if (uniform(random) < 0.3)
      std::this_thread::sleep_for(std::chrono::duration<double>(0.3 * uniform(random)));
    const std::size_t first = uniform(random) < 0.5 ? 0 : 1, count = uniform(random) < 0.1 ? 2 : 1;
    for (std::size_t i = 0; i < count; ++i) runners[(first + i) % 2]->kill(), ++kills;
    for (std::size_t i = 0; i < count; ++i)
      runners[(first + i) % 2] = std::make_unique<Runner>(here_.path(), log);
  }
  for (auto& runner : runners) EXPECT_EQ(runner->ended(true), 0) << contents(log);
  EXPECT_GE(kills, kills_);
  const Ran last = run("killed");
  EXPECT_EQ(last.code, 0) << last.err;

  const std::int64_t steps = cells_.front().facts.steps * static_cast<std::int64_t>(cells_.size());
  const std::int64_t again = trained() - steps;
  EXPECT_GE(again, 0);
  EXPECT_LT(again, steps / 10);
  std::printf("%zu kills, %lld of %lld steps computed again (%.1f %%)\n", kills,
              static_cast<long long>(again), static_cast<long long>(steps),
              100.0 * static_cast<double>(again) / static_cast<double>(steps));
  for (const Cell& cell : cells_) {
    SCOPED_TRACE(cell.folder.string());
    const fs::path a = sweep("whole") / cell.folder, b = sweep("killed") / cell.folder;
    EXPECT_EQ(difference(core::read_run(a / "run.h5"), core::read_run(b / "run.h5")), "");
    EXPECT_TRUE(contents(weights_path(a)) == contents(weights_path(b))) << "weights";
  }
}

}  // namespace
}  // namespace isorbit::experiments
