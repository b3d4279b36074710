// What the weights of an arm start from ("from"): the cells of another arm of the sweep, or a file. A cell
// starts from the one cell of that arm with its seed and with its values of everything that both vary;
// "where" says those that the two do not share.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "experiments/sweep/expand.hpp"

namespace isorbit::experiments {

class Starts {
 public:
  /// Adds a problem for every "from" that is neither an arm nor a file, and for arms that start from each
  /// other.
  Starts(const SweepSources& sources, core::Problems& problems);

  /// The arms, each after the one it starts from, else as they stand; those in a circle are left out.
  [[nodiscard]] std::vector<std::size_t> order() const;
  /// The arm that an arm starts from.
  [[nodiscard]] std::optional<std::size_t> arm_of(std::size_t arm) const { return arms_[arm].arm; }
  /// The file that an arm starts from; empty: none.
  [[nodiscard]] const std::filesystem::path& file_of(std::size_t arm) const { return arms_[arm].file; }
  /// Index of the candidate that one starts from. Where there is none, or several, that is a problem, said
  /// once an arm.
  [[nodiscard]] std::optional<std::size_t> candidate_of(const Candidate& candidate,
                                                        const Expansion& expansion);

 private:
  struct ArmStart {
    std::optional<std::size_t> arm;
    core::Json where = core::Json::object();
    std::filesystem::path file;
  };

  void read(std::size_t arm);
  void check_circles();
  void check_where(std::size_t arm, const Expansion& expansion);
  void report(const Candidate& candidate, const Expansion& expansion, const std::vector<std::size_t>& found);

  const SweepSources& s_;
  core::Problems& problems_;
  const std::vector<std::string>& names_;
  std::vector<ArmStart> arms_;
  std::vector<bool> said_;
  std::set<std::size_t> where_checked_;
  std::map<std::pair<std::size_t, std::int64_t>, std::vector<std::size_t>> by_arm_and_seed_;  // candidates
};

}  // namespace isorbit::experiments
