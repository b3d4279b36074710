// Points where all ranks meet: none goes on unless all are well, and all decide the same.
//
// Where a rank fails it says so in place of the next meeting of the others (tell_failure), which then throw;
// so nothing that can throw may stand between a meeting and a collective call that is none, and a piece of
// work that ranks share ends with a meeting.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "experiments/distributed/communicator.hpp"

namespace isorbit::experiments {

/// Another rank has failed; the text says which and why.
struct OtherRankFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Meets; the word of rank 0.
std::int64_t meet(Communicator& ranks, std::int64_t word = 0);
/// Meets; the mean of all values, added up in double in the order of the ranks.
[[nodiscard]] double mean_over(Communicator& ranks, double value);
/// Meets; the value of every rank.
[[nodiscard]] std::vector<std::uint64_t> values_of(Communicator& ranks, std::uint64_t value);
/// Meets; the text of every rank, all of one length.
[[nodiscard]] std::vector<std::string> texts_of(Communicator& ranks, const std::string& text);

/// In place of a meeting: those who come to it throw OtherRankFailed with the text of the first that failed.
void tell_failure(Communicator& ranks, std::string text);

/// Every rank's bytes become those of rank 0, whose number of bytes decides.
void share(Communicator& ranks, std::vector<std::uint8_t>& bytes);

}  // namespace isorbit::experiments
