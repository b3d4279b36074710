#include "core/runtime/tensor_digests.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace isorbit::core {

namespace {

constexpr std::int64_t kGrain = 4;  // blocks below which a second thread costs more than it gives

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

TensorDigests::TensorDigests(std::span<const std::span<const std::byte>> tensors, Engine& engine)
    : engine_(engine), digests_(tensors.size()) {
  for (std::span<const std::byte> rest : tensors) {
    for (; !rest.empty(); rest = rest.subspan(std::min(kBlock, rest.size())))
      blocks_.push_back(rest.first(std::min(kBlock, rest.size())));
    ends_.push_back(blocks_.size());
  }
  sums_.resize(blocks_.size());
}

std::span<const std::uint64_t> TensorDigests::compute() {
  engine_.parallel(static_cast<std::int64_t>(blocks_.size()), kGrain,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
                       sums_[i] = checksum(blocks_[i]);
                   });
  std::size_t begin = 0;
  for (std::size_t t = 0; t < digests_.size(); ++t) {
    digests_[t] = checksum(std::as_bytes(std::span(sums_).subspan(begin, ends_[t] - begin)));
    begin = ends_[t];
  }
  return digests_;
}

}  // namespace isorbit::core
