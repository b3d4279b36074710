// The processes that train one run together: ranks of a job, numbered from 0. Rank 0 owns the files.
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace isorbit::experiments {

/// Every call but rank(), size() and all_reduce_text() is made by all ranks, in the same order and with the
/// same sizes, and by one thread of a rank at a time. A rank that is lost ends them all.
class Communicator {
 public:
  virtual ~Communicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  /// values[i] <- its sum over the ranks, in an order that depends on i, the number of values and the size
  /// only: the same bits on every rank, and in every run.
  virtual void all_reduce(std::span<float> values) = 0;
  /// `all`, size() times as long as `mine`, becomes what every rank gave, in their order.
  virtual void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  /// Every rank's bytes become those of rank `from`.
  virtual void broadcast(std::span<std::byte> bytes, int from) = 0;
  /// How sums are made, for the record: "Open MPI 4.1.4, ring".
  [[nodiscard]] virtual std::string all_reduce_text() const = 0;
};

/// A run of one process.
class SingleRank final : public Communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  void all_reduce(std::span<float> /*values*/) override {}
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void broadcast(std::span<std::byte> /*bytes*/, int /*from*/) override {}
  [[nodiscard]] std::string all_reduce_text() const override { return "none"; }
};

}  // namespace isorbit::experiments
