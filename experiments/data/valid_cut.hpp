// How a fixed number of validation items, windows or images, is cut into batches of any size: whole batches
// first; what is left goes into batches of d items, d a divisor of the batch, in which every item stands
// equally often. So the mean over the rows of a batch is that over its items, whatever model takes it, and
//   mean over all items = sum_b share(b) mean_b / sum_b share(b),   share(b) = items of batch b / rows.
#pragma once
#include <cstdint>
#include <vector>

namespace isorbit::experiments {

class ValidCut {
 public:
  /// 1 <= items, 1 <= batch.
  ValidCut(std::int64_t items, std::int64_t batch);

  /// Of all batches together; it does not depend on the batch.
  [[nodiscard]] std::int64_t items() const { return items_; }
  [[nodiscard]] std::int64_t batches() const { return whole_ + static_cast<std::int64_t>(rest_.size()); }
  /// The item in a row of a batch, 0 <= index < batches(), 0 <= row < batch.
  [[nodiscard]] std::int64_t item(std::int64_t index, std::int64_t row) const;
  /// Items of a batch over its rows, above 0, at most 1.
  [[nodiscard]] double share(std::int64_t index) const;

 private:
  struct Part {
    std::int64_t first = 0, count = 0;  // items
  };
  [[nodiscard]] Part part(std::int64_t index) const;

  std::int64_t items_, batch_, whole_;
  std::vector<Part> rest_;
};

}  // namespace isorbit::experiments
