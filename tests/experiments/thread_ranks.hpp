// Ranks that are threads of one process: what MPI does, without MPI.
#pragma once
#include <algorithm>
#include <barrier>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "experiments/distributed/communicator.hpp"

namespace isorbit::experiments {

class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : size_(size), barrier_(size), slots_(static_cast<std::size_t>(size)) {}

  class Rank : public Communicator {
   public:
    Rank(ThreadRanks& all, int rank) : all_(all), rank_(rank) {}
    [[nodiscard]] int rank() const override { return rank_; }
    [[nodiscard]] int size() const override { return all_.size_; }
    [[nodiscard]] std::string all_reduce_text() const override { return "threads"; }

    void all_reduce(std::span<float> values) override {
      std::vector<float> sum(values.size(), 0.0F);
      meet(std::as_writable_bytes(values), [&] {
        for (const std::span<std::byte> slot : all_.slots_) {
          const auto* const other = reinterpret_cast<const float*>(slot.data());
          for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
        }
      });
      std::ranges::copy(sum, values.begin());
    }
    void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
      std::vector<std::byte> copy(mine.begin(), mine.end());
      meet(copy, [&] {
        auto at = all.begin();
        for (const std::span<std::byte> slot : all_.slots_) at = std::ranges::copy(slot, at).out;
      });
    }
    void broadcast(std::span<std::byte> bytes, int from) override {
      std::vector<std::byte> given(bytes.size());
      meet(bytes, [&] { std::ranges::copy(all_.slots_[static_cast<std::size_t>(from)], given.begin()); });
      std::ranges::copy(given, bytes.begin());
    }

   private:
    template <class Read>
    void meet(std::span<std::byte> mine, const Read& read) {
      all_.slots_[static_cast<std::size_t>(rank_)] = mine;
      all_.barrier_.arrive_and_wait();
      read();
      all_.barrier_.arrive_and_wait();
    }
    ThreadRanks& all_;
    int rank_;
  };

 private:
  int size_;
  std::barrier<> barrier_;
  std::vector<std::span<std::byte>> slots_;
};

/// Calls body(communicator) as every rank at once; rethrows what one threw.
inline void on_ranks(int size, const std::function<void(Communicator&)>& body) {
  ThreadRanks all(size);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(size));
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([&, rank] {
        ThreadRanks::Rank communicator(all, rank);
        try {
          body(communicator);
        } catch (...) {
          errors[static_cast<std::size_t>(rank)] = std::current_exception();
        }
      });
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace isorbit::experiments
