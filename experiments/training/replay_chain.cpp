#include "experiments/training/replay_chain.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace isorbit::experiments {

namespace {

std::vector<std::string> names_of(Learner& learner) {
  std::vector<std::string> names;
  for (const std::string& weight : learner.weights()) {
    names.push_back(weight);
    if (const Parametrized* p = learner.find_parametrized(weight))
      names.insert(names.end(), p->coordinate_names.begin(), p->coordinate_names.end());
  }
  return names;
}

std::vector<std::span<const std::byte>> bytes_of(Learner& learner, const std::vector<std::string>& names) {
  std::vector<std::span<const std::byte>> bytes;
  for (const std::string& name : names) bytes.push_back(std::as_bytes(learner.store().at(name).bytes()));
  return bytes;
}

void append_hex(std::string& text, std::uint64_t value, std::size_t digits) {
  for (std::size_t d = digits; d-- > 0;) text += "0123456789abcdef"[value >> 4 * d & 15];
}

}  // namespace

ReplayChain::ReplayChain(Learner& learner)
    : names_(names_of(learner)), digests_(bytes_of(learner, names_), learner.engine()) {}

ReplayLink ReplayChain::next(std::int64_t step, double loss) {
  const double one_nan = std::isnan(loss) ? std::numeric_limits<double>::quiet_NaN() : loss;
  std::vector<std::uint64_t> hashed{last_, static_cast<std::uint64_t>(step),
                                    std::bit_cast<std::uint64_t>(one_nan)};
  ReplayLink out{step, loss, {}, {}};
  for (const std::uint64_t digest : digests_.compute()) {
    hashed.push_back(digest);
    append_hex(out.digests, digest, kDigits);
  }
  last_ = core::checksum(std::as_bytes(std::span(hashed)));
  append_hex(out.link, last_, 16);
  return out;
}

void ReplayChain::resume(const std::string& link) {
  const char* const end = link.data() + link.size();
  const auto [stopped, error] = std::from_chars(link.data(), end, last_, 16);
  if (link.size() != 16 || error != std::errc() || stopped != end)
    throw std::invalid_argument("found the link \"" + link + "\"; expected 16 hexadecimal digits");
}

}  // namespace isorbit::experiments
