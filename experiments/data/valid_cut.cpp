#include "experiments/data/valid_cut.hpp"

#include <algorithm>

namespace isorbit::experiments {

ValidCut::ValidCut(std::int64_t items, std::int64_t batch)
    : items_(items), batch_(batch), whole_(items / batch) {
  for (std::int64_t first = whole_ * batch; first < items;) {
    std::int64_t count = std::min(items - first, batch);
    while (batch % count != 0) --count;
    rest_.push_back({first, count});
    first += count;
  }
}

ValidCut::Part ValidCut::part(std::int64_t index) const {
  if (index < whole_) return {index * batch_, batch_};
  return rest_[static_cast<std::size_t>(index - whole_)];
}

std::int64_t ValidCut::item(std::int64_t index, std::int64_t row) const {
  const auto [first, count] = part(index);
  return first + row % count;
}

double ValidCut::share(std::int64_t index) const {
  return static_cast<double>(part(index).count) / static_cast<double>(batch_);
}

}  // namespace isorbit::experiments
