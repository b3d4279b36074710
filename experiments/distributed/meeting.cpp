#include "experiments/distributed/meeting.hpp"

#include <algorithm>
#include <bit>

namespace isorbit::experiments {
namespace {

struct Seat {
  std::uint64_t failed = 0;  // bytes of what there is to say, and one more
  std::uint64_t value = 0;
};

template <class T>
std::vector<T> gathered(Communicator& ranks, std::span<const T> mine) {
  std::vector<T> all(mine.size() * static_cast<std::size_t>(ranks.size()));
  ranks.all_gather(std::as_bytes(mine), std::as_writable_bytes(std::span(all)));
  return all;
}

std::vector<Seat> seats_of(Communicator& ranks, const Seat& mine) {
  return gathered(ranks, std::span(&mine, 1));
}

/// Of the first rank that failed: the rank, and what it says.
OtherRankFailed failure_among(Communicator& ranks, std::span<const Seat> seats, std::string text) {
  const auto first = std::ranges::find_if(seats, [](const Seat& seat) { return seat.failed > 0; });
  const auto rank = static_cast<int>(first - seats.begin());
  text.resize(first->failed - 1);
  ranks.broadcast(std::as_writable_bytes(std::span(text)), rank);
  return OtherRankFailed("rank " + std::to_string(rank) + " of " + std::to_string(ranks.size()) + ": " +
                         text);
}

std::vector<Seat> meeting(Communicator& ranks, std::uint64_t value) {
  std::vector<Seat> seats = seats_of(ranks, {0, value});
  if (std::ranges::any_of(seats, [](const Seat& seat) { return seat.failed > 0; }))
    throw failure_among(ranks, seats, {});
  return seats;
}

}  // namespace

std::int64_t meet(Communicator& ranks, std::int64_t word) {
  if (ranks.size() == 1) return word;
  return static_cast<std::int64_t>(meeting(ranks, static_cast<std::uint64_t>(word)).front().value);
}

double mean_over(Communicator& ranks, double value) {
  if (ranks.size() == 1) return value;
  double sum = 0;
  for (const Seat& seat : meeting(ranks, std::bit_cast<std::uint64_t>(value)))
    sum += std::bit_cast<double>(seat.value);
  return sum / ranks.size();
}

std::vector<std::uint64_t> values_of(Communicator& ranks, std::uint64_t value) {
  std::vector<std::uint64_t> values;
  for (const Seat& seat : meeting(ranks, value)) values.push_back(seat.value);
  return values;
}

std::vector<std::string> texts_of(Communicator& ranks, const std::string& text) {
  (void)meet(ranks);
  const std::vector<char> all = gathered(ranks, std::span<const char>(text));
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < all.size(); at += text.size()) texts.emplace_back(&all[at], text.size());
  return texts;
}

void tell_failure(Communicator& ranks, std::string text) {
  if (ranks.size() == 1) return;
  const std::vector<Seat> seats = seats_of(ranks, {text.size() + 1, 0});
  (void)failure_among(ranks, seats, std::move(text));
}

void share(Communicator& ranks, std::vector<std::uint8_t>& bytes) {
  std::uint64_t size = bytes.size();
  ranks.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0);
  bytes.resize(size);
  ranks.broadcast(std::as_writable_bytes(std::span(bytes)), 0);
}

}  // namespace isorbit::experiments
