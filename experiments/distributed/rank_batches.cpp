#include "experiments/distributed/rank_batches.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace isorbit::experiments {
namespace {

using Storage = std::variant<std::vector<std::int32_t>, std::vector<float>>;

class RankBatches final : public BatchSource {
 public:
  RankBatches(std::shared_ptr<const BatchSource> whole, int rank, int ranks)
      : whole_(std::move(whole)), rank_(rank), ranks_(ranks) {
    for (const InputDescription& input : whole_->inputs())
      if (input.shape.front() % ranks != 0)
        throw std::invalid_argument("a batch of " + std::to_string(input.shape.front()) + " rows for " +
                                    std::to_string(ranks) + " ranks");
  }

  std::vector<InputDescription> inputs() const override {
    std::vector<InputDescription> inputs = whole_->inputs();
    for (InputDescription& input : inputs) input.shape.front() /= ranks_;
    return inputs;
  }
  void train_batch(std::uint64_t seed, std::int64_t step, const BatchBuffers& buffers,
                   BatchPart part) const override {
    fill(buffers, [&](const BatchBuffers& all) { whole_->train_batch(seed, step, all, part); });
  }
  std::int64_t valid_batches() const override { return whole_->valid_batches(); }
  void valid_batch(std::int64_t index, const BatchBuffers& buffers) const override {
    fill(buffers, [&](const BatchBuffers& all) { whole_->valid_batch(index, all); });
  }
  double valid_share(std::int64_t index) const override { return whole_->valid_share(index); }
  std::string data_sha256() const override { return whole_->data_sha256(); }
  double bytes_per_token() const override { return whole_->bytes_per_token(); }
  std::int64_t vocab() const override { return whole_->vocab(); }
  double unigram_entropy() const override { return whole_->unigram_entropy(); }
  std::int64_t train_size() const override { return whole_->train_size(); }

 private:
  template <class Fill>
  void fill(const BatchBuffers& buffers, const Fill& fill_all) const {
    std::map<std::string, Storage> storage;
    BatchBuffers all;
    for (const auto& [name, buffer] : buffers)
      std::visit(
          [&, &name = name]<class T>(std::span<T> mine) {
            Storage& rows = storage[name] = std::vector<T>(mine.size() * static_cast<std::size_t>(ranks_));
            all.emplace(name, std::span<T>(std::get<std::vector<T>>(rows)));
          },
          buffer);
    fill_all(all);
    for (const auto& [name, buffer] : buffers)
      std::visit(
          [&, &name = name]<class T>(std::span<T> mine) {
            const std::vector<T>& rows = std::get<std::vector<T>>(storage.at(name));
            std::ranges::copy(
                std::span(rows).subspan(static_cast<std::size_t>(rank_) * mine.size(), mine.size()),
                mine.begin());
          },
          buffer);
  }

  std::shared_ptr<const BatchSource> whole_;
  std::int64_t rank_, ranks_;
};

}  // namespace

std::shared_ptr<const BatchSource> rank_batches(std::shared_ptr<const BatchSource> whole, int rank,
                                                int ranks) {
  return std::make_shared<RankBatches>(std::move(whole), rank, ranks);
}

}  // namespace isorbit::experiments
