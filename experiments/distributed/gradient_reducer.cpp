#include "experiments/distributed/gradient_reducer.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/runtime/tensor_digests.hpp"
#include "experiments/timing/stopwatch.hpp"

namespace isorbit::experiments {

GradientReducer::GradientReducer(Communicator& ranks, std::vector<Source> gradients, std::size_t bucket)
    : ranks_(ranks), bucket_(bucket), place_(gradients.size()) {
  std::vector<std::size_t> order(gradients.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return gradients[i].final_before; });
  std::size_t size = 0;
  for (const std::size_t i : order) {
    const Source& source = gradients[i];
    place_[i] = pieces_.size();
    pieces_.push_back({source.gradient, size});
    size += source.gradient.size();
    ready_.resize((size + bucket_ - 1) / bucket_, 0);
    for (std::size_t b = pieces_.back().at / bucket_; b < ready_.size(); ++b) ready_[b] = source.final_before;
  }
  means_.resize(size);
  thread_ = std::thread([this] { work(); });
}

GradientReducer::~GradientReducer() {
  ends_ = true;
  released_.fetch_add(1);
  released_.notify_one();
  thread_.join();
}

std::vector<std::span<const float>> GradientReducer::values() const {
  std::vector<std::span<const float>> values;
  for (const std::size_t place : place_)
    values.push_back(std::span(means_).subspan(pieces_[place].at, pieces_[place].gradient.size()));
  return values;
}

std::uint64_t GradientReducer::layout() const {
  std::vector<std::uint64_t> all{bucket_};
  for (std::size_t i = 0; i < place_.size(); ++i) {
    all.push_back(pieces_[place_[i]].at);
    all.push_back(pieces_[place_[i]].gradient.size());
  }
  return core::checksum(std::as_bytes(std::span(all)));
}

void GradientReducer::release(std::size_t buckets) {
  open_ = buckets;
  released_.store(begun_ + buckets, std::memory_order_release);
  released_.notify_one();
}

void GradientReducer::reached(std::size_t step) {
  std::size_t open = open_;
  while (open < ready_.size() && ready_[open] <= step) ++open;
  if (open > open_) release(open);
}

double GradientReducer::finish() {
  const Stopwatch watch;
  reached(std::numeric_limits<std::size_t>::max());
  begun_ += ready_.size();
  open_ = 0;
  for (std::size_t done = reduced_; done < begun_; done = reduced_) reduced_.wait(done);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  return watch.seconds();
}

void GradientReducer::reduce(std::size_t bucket) {
  const std::size_t begin = bucket * bucket_, end = std::min(begin + bucket_, means_.size());
  auto piece = std::ranges::upper_bound(pieces_, begin, {}, &Piece::at);
  for (--piece; piece != pieces_.end() && piece->at < end; ++piece) {
    const std::size_t from = std::max(begin, piece->at),
                      to = std::min(end, piece->at + piece->gradient.size());
    if (from < to) std::ranges::copy(piece->gradient.subspan(from - piece->at, to - from), &means_[from]);
  }
  const std::span<float> values = std::span(means_).subspan(begin, end - begin);
  ranks_.all_reduce(values);
  const float share = 1.0F / static_cast<float>(ranks_.size());
  for (float& value : values) value *= share;
}

void GradientReducer::work() {
  for (std::size_t next = 0;; ++next) {
    for (std::size_t released = released_; released <= next; released = released_) released_.wait(released);
    if (ends_) return;
    try {
      if (!error_) reduce(next % ready_.size());
    } catch (...) {
      error_ = std::current_exception();
    }
    reduced_.store(next + 1, std::memory_order_release);
    reduced_.notify_one();
  }
}

}  // namespace isorbit::experiments
