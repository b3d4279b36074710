// Who works on a cell: the owner of its newest attempt.
//
// A claim builds <cell>/.claim.<unique> with its lease in it, locked already, and renames it to the next
// attempt: rename(2) lets one win. Nobody is locked out for good, so two may work on a cell at once: one
// whose lease ran out while it hung does not know. It writes into its own attempt alone, and the fence stops
// it before it could publish.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/sweep/lease.hpp"

namespace isorbit::experiments {

class Claim {
 public:
  static constexpr double kSeconds = 60;  // that a lease holds after a touch, unless said otherwise

  /// Makes the cell's folder and its next attempt. Nothing when the owner of the newest one must be taken to
  /// be alive, or another process was faster. Throws std::system_error with the path.
  [[nodiscard]] static std::optional<Claim> take(const std::filesystem::path& cell_folder, LeaseWatch& watch,
                                                 double seconds = kSeconds);

  /// The attempt's.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// Folders of the attempts before, newest first.
  [[nodiscard]] const std::vector<std::filesystem::path>& earlier() const { return earlier_; }
  /// The fence: throws Superseded when a later attempt was begun, the cell was published, or the attempt's
  /// folder is gone.
  void check() const;
  /// Gives the attempt up and removes its folder, in which there must be no more than the lease.
  void abandon() &&;

 private:
  Claim(std::filesystem::path folder, std::vector<std::filesystem::path> earlier, HeldLease lease)
      : folder_(std::move(folder)), earlier_(std::move(earlier)), lease_(std::move(lease)) {}
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> earlier_;
  std::optional<HeldLease> lease_;
};

/// Who has, or last had, the newest attempt at a cell; "another process" where its lease cannot be read.
[[nodiscard]] std::string holder_of(const std::filesystem::path& cell_folder);

}  // namespace isorbit::experiments
