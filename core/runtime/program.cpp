#include "core/runtime/program.hpp"

#include <algorithm>
#include <stdexcept>

namespace isorbit::core {

namespace {

template <class Endpoints>
auto& find(Endpoints& endpoints, std::string_view name, const char* kind) {
  const auto it =
      std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& e) { return e.name == name; });
  if (it == endpoints.end())
    throw std::out_of_range(std::string("the program has no ") + kind + " \"" + std::string(name) + "\"");
  return *it;
}

template <class T, class E>
std::span<T> elements(const E& endpoint, DType wanted) {
  if (endpoint.type.dtype != wanted)
    throw std::logic_error("\"" + endpoint.name + "\" is " + endpoint.type.text());
  return {reinterpret_cast<T*>(endpoint.address), static_cast<std::size_t>(endpoint.type.shape.elements())};
}

}  // namespace

std::span<float> Program::input(std::string_view name) {
  return elements<float>(find(inputs_, name, "input"), DType::f32);
}
std::span<std::int32_t> Program::input_indices(std::string_view name) {
  return elements<std::int32_t>(find(inputs_, name, "input"), DType::s32);
}
std::span<float> Program::output(std::string_view name) {
  return elements<float>(find(outputs_, name, "output"), DType::f32);
}
const TensorType& Program::output_type(std::string_view name) const {
  return find(outputs_, name, "output").type;
}
bool Program::has_output(std::string_view name) const {
  return std::any_of(outputs_.begin(), outputs_.end(), [&](const Endpoint& e) { return e.name == name; });
}

void Program::run() {
  for (const Kernel& kernel : kernels_) kernel();
}

void Program::run(const std::function<void(std::size_t step)>& before) {
  for (std::size_t i = 0; i < kernels_.size(); ++i) {
    before(i);
    kernels_[i]();
  }
  before(kernels_.size());
}

}  // namespace isorbit::core
