// A sweep of two small cells, run by the real program while chosen system calls on its folder fail.
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/weights.hpp"
#include "tests/experiments/in_memory.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/same_record.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {

/// As faults/faulty_calls.cpp reads it.
struct Fault {
  std::string call, file;
  std::size_t number = 0;  // the n-th such call; 0: all of them
  int code = 0;
  [[nodiscard]] std::string at() const { return call + " " + file + " " + std::to_string(number); }
};

class FaultySweep {
 public:
  FaultySweep() {
    core::Json sweep = small_.document();
    sweep["arms"] = {{"adamw", {{"method", "adamw.json"}}}, {"poet", {{"method", "poet.json"}}}};
    sweep["training"] = {
        {"steps", 2}, {"validate_every", 2}, {"valid_targets", 64}, {"threads", 1}, {"checkpoint_every", 1}};
    sweep["seeds"] = {0};
    sweep["compare"] = core::Json::object();
    small_.write(sweep);
    const Ran whole = run_program(small_.path(), "run sweep.json -o whole -q");
    EXPECT_EQ(whole.code, 0) << whole.err;
    cells_ = read_manifest(small_.path() / "whole").cells;
  }

  [[nodiscard]] std::filesystem::path at(const std::string& folder) const { return small_.path() / folder; }

  /// The program on the folder out, where a call fails.
  [[nodiscard]] Ran run(const std::string& arguments, const Fault& fault) const {
    return run_program(small_.path(), arguments,
                       "FAULTS_FOLDER='" + at("out").string() + "' FAULTS_LOG='" + at("calls").string() +
                           "' FAULTS_AT='" + fault.at() + "' FAULTS_ERRNO=" + std::to_string(fault.code) +
                           " LD_PRELOAD='" ISORBIT_FAULTY_CALLS "' ");
  }
  [[nodiscard]] Ran run(const std::string& arguments) const { return run_program(small_.path(), arguments); }

  /// How often each call on each file was made since it was last asked; failures are not among them.
  [[nodiscard]] std::map<std::pair<std::string, std::string>, std::size_t> calls() const {
    std::map<std::pair<std::string, std::string>, std::size_t> out;
    std::ifstream in(at("calls"));
    for (std::string call, name; in >> call && std::getline(in >> std::ws, name);)
      if (!call.starts_with("!")) ++out[{call, name}];
    std::filesystem::remove(at("calls"));
    return out;
  }

  /// Files of the folder out that were put aside.
  [[nodiscard]] std::vector<std::string> put_aside() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at("out")))
      if (const std::string name = entry.path().filename().string();
          holds(name, ".damaged") || holds(name, ".replaced"))
        out.push_back(entry.path().string());
    return out;
  }

  [[nodiscard]] bool all_complete() const {
    return std::ranges::all_of(
        cells_, [&](const Cell& cell) { return is_complete_to_the_byte(at("out") / cell.folder, cell.id); });
  }

  /// Where the results in the folder out are not those of the undisturbed sweep, bit for bit; empty: nowhere.
  [[nodiscard]] std::string differs() const {
    for (const Cell& cell : cells_) {
      const std::filesystem::path a = at("whole") / cell.folder, b = at("out") / cell.folder;
      const std::string found =
          difference(core::read_run(Recorder::run_path(a)), core::read_run(Recorder::run_path(b)));
      if (!found.empty()) return cell.folder.string() + ": " + found;
      if (contents(weights_path(a)) != contents(weights_path(b))) return cell.folder.string() + ": weights";
    }
    return {};
  }

  [[nodiscard]] const std::vector<Cell>& cells() const { return cells_; }

 private:
  SmallSweep small_;
  std::vector<Cell> cells_;
};

}  // namespace isorbit::experiments
