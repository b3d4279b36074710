// Whether an exception says that there was not enough memory: ours to allocate, or oneDNN's.
#pragma once
#include <exception>

namespace isorbit::core {

[[nodiscard]] bool is_out_of_memory(const std::exception& error);

}  // namespace isorbit::core
