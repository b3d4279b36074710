// Each file of a finished cell, damaged in each way, under each verb that takes the folder: verbs that only
// look change nothing, no verb loses what is whole, and after a repair and a run the results are those of the
// undisturbed sweep.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "experiments/program/program.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/file_damage.hpp"
#include "tests/experiments/in_memory.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

constexpr const char* kFiles[] = {"done.json",
                                  "run.h5",
                                  "weights.safetensors",
                                  "attempt-0001/lease",
                                  "attempt-0001/journal.log",
                                  "attempt-0001/result.json",
                                  "attempt-0001/run.h5",
                                  "attempt-0001/weights.safetensors"};
constexpr const char* kDamages[] = {"emptied", "cut",        "flipped", "a folder",
                                    "a pipe",  "unreadable", "missing", "of another cell"};

class DamageMatrix : public testing::Test {
 protected:
  DamageMatrix() {
    Json sweep = small_.document();
    sweep["arms"] = {{"adamw", {{"method", "adamw.json"}}}, {"poet", {{"method", "poet.json"}}}};
    sweep["training"] = {{"steps", 2}, {"validate_every", 2}, {"valid_targets", 64}, {"threads", 1}};
    sweep["seeds"] = {0};
    small_.write(sweep);
    std::string sentences;
    for (const char* place : {"roof", "wall", "lawn", "road", "step", "sill"})
      sentences += std::string("The cat was on the ") + place + " by the house. The cats were on the " +
                   place + " by the house. ";
    small_.folder().write("data/prose/valid.txt", sentences);
    ::setenv("XDG_CACHE_HOME", (small_.path() / "cache").c_str(), 1);
    EXPECT_EQ(call("run SWEEP --data DATA -q -o WHOLE").first, 0);
    cells_ = read_manifest(small_.path() / "whole").cells;
  }

  /// Exit code and what was said. Words in capitals are paths.
  std::pair<int, std::string> call(const std::string& words) const {
    const std::map<std::string, fs::path> paths = {{"SWEEP", small_.path() / "sweep.json"},
                                                   {"DATA", small_.path() / "data"},
                                                   {"WHOLE", small_.path() / "whole"},
                                                   {"DIR", out()},
                                                   {"CELL", cell()}};
    std::vector<std::string> argv = {"isorbit"};
    std::istringstream in(words);
    for (std::string word; in >> word;) argv.push_back(paths.contains(word) ? paths.at(word).string() : word);
    std::ostringstream text;
    const int code = main_program(argv, text, text);
    return {code, text.str()};
  }
  fs::path out() const { return small_.path() / "out"; }
  fs::path cell(std::size_t i = 0) const { return cells_.empty() ? out() : out() / cells_[i].folder; }

  void prepare() const {
    fs::remove_all(out());
    fs::copy(small_.path() / "whole", out(), fs::copy_options::recursive);
  }
  std::unique_ptr<Hidden> damage(const std::string& name, const std::string& how) const {
    const fs::path file = cell() / name;
    if (how == "unreadable") return std::make_unique<Hidden>(file);
    if (how == "emptied") fs::resize_file(file, 0);
    if (how == "cut") fs::resize_file(file, fs::file_size(file) / 2);
    if (how == "flipped") flip(file);
    if (how == "missing" || how == "of another cell" || how == "a folder" || how == "a pipe")
      fs::remove(file);
    if (how == "of another cell") fs::copy_file(cell(1) / name, file);
    if (how == "a folder") fs::create_directory(file);
    if (how == "a pipe" && ::mkfifo(file.c_str(), 0600) != 0) ADD_FAILURE() << "no pipe";
    return nullptr;
  }

  /// What is in the folder: bytes of files by name, but for the lease that repair takes and leaves.
  std::map<std::string, std::string> tree() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(out()))
      found[entry.path().string()] =
          entry.is_symlink() || !entry.is_regular_file() ? "-" : contents(entry.path());
    return found;
  }
  std::string differs() const {
    for (const Cell& cell : cells_) {
      const fs::path a = small_.path() / "whole" / cell.folder, b = out() / cell.folder;
      if (!is_complete_to_the_byte(b, cell.id)) return cell.folder.string() + " is not complete";
      core::RunRecord record = core::read_run(Recorder::run_path(b));
      std::erase_if(record.series, [](const core::Series& s) { return s.path.starts_with("eval"); });
      const std::string found = difference(core::read_run(Recorder::run_path(a)), record);
      if (!found.empty()) return cell.folder.string() + ": " + found;
      if (contents(weights_path(a)) != contents(weights_path(b))) return cell.folder.string() + ": weights";
    }
    return {};
  }

  /// Calls the verb on every damage, then `check` with what it said.
  template <class Check>
  void for_every_damage(const std::string& verb, const Check& check) const {
    for (const char* file : kFiles)
      for (const char* how : kDamages) {
        SCOPED_TRACE(verb + " with " + file + " " + how);
        prepare();
        auto hidden = damage(file, how);
        const auto before = tree();
        const auto [code, said] = call(verb);
        check(code, said, before, hidden != nullptr);
        if (!hidden) continue;
        const bool is_cleaned = !fs::exists((cell() / file).parent_path());  // by gc, the cell being complete
        EXPECT_TRUE(is_cleaned || fs::is_symlink(cell() / file)) << "it was moved: " << said;
        hidden.reset();
        EXPECT_EQ(differs(), "") << said;
      }
  }
  void only_looks(const std::string& verb) const {
    for_every_damage(verb, [&](int code, const std::string& said, const auto& before, bool) {
      EXPECT_TRUE(code == 0 || code == 1 || code == 2 || code == 3) << code;
      EXPECT_TRUE(tree() == before) << said;
    });
  }
  void loses_nothing(const std::string& verb) const {
    for_every_damage(verb, [&](int, const std::string& said, const auto&, bool is_hidden) {
      if (is_hidden) return;
      const auto repaired = call("repair DIR");
      EXPECT_TRUE(repaired.first == 0 || repaired.first == 3) << repaired.second;
      const auto [code, text] = call("run SWEEP --data DATA -o DIR");
      EXPECT_EQ(code, 0) << said << repaired.second << text;
      EXPECT_EQ(differs(), "") << said << repaired.second << text;
    });
  }

  SmallSweep small_;
  std::vector<Cell> cells_;
};

TEST_F(DamageMatrix, StatusOnlyLooks) { only_looks("status DIR"); }
TEST_F(DamageMatrix, CompareOnlyLooks) { only_looks("compare DIR"); }
TEST_F(DamageMatrix, ExportOnlyLooks) { only_looks("export DIR"); }
TEST_F(DamageMatrix, CertifyOnlyLooks) { only_looks("certify DIR"); }
TEST_F(DamageMatrix, PlanOnlyLooks) { only_looks("plan SWEEP --data DATA --calibrate 0 -o DIR"); }
TEST_F(DamageMatrix, SubmitOnlyLooks) { only_looks("submit SWEEP --data DATA --time 10 --dry-run -o DIR"); }
TEST_F(DamageMatrix, ReplayOnlyLooks) { only_looks("replay CELL --data DATA"); }

TEST_F(DamageMatrix, RunLosesNothing) { loses_nothing("run SWEEP --data DATA -o DIR"); }
TEST_F(DamageMatrix, RetryLosesNothing) { loses_nothing("retry --failed SWEEP --data DATA -o DIR"); }
TEST_F(DamageMatrix, RepairLosesNothing) { loses_nothing("repair DIR"); }
TEST_F(DamageMatrix, GcLosesNothing) { loses_nothing("gc DIR"); }
TEST_F(DamageMatrix, EvalLosesNothing) { loses_nothing("eval DIR --task agreement --limit 4 --data DATA"); }

}  // namespace
}  // namespace isorbit::experiments
