#include "experiments/training/initialize.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/random/philox.hpp"

namespace isorbit::experiments {

void initialize(core::Tensor& tensor, const std::string& name, const core::Json& init, std::uint64_t seed) {
  const std::string kind = init.value("kind", "zeros");
  const core::Philox random(seed, core::stream_of(name));
  if (kind == "normal") {
    random.fill_normal(tensor.values(), init.at("std").get<double>());
  } else if (kind == "uniform") {
    random.fill_uniform(tensor.values(), init.at("low").get<double>(), init.at("high").get<double>());
  } else if (kind == "ones") {
    std::ranges::fill(tensor.values(), 1.0f);
  } else if (kind == "zeros") {
    std::ranges::fill(tensor.bytes(), std::byte{0});
  } else {
    throw std::invalid_argument("parameter \"" + name + "\" has an unknown init \"" + kind + "\"");
  }
}

}  // namespace isorbit::experiments
