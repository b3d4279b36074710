#include "core/runtime/memory_error.hpp"

#include <new>

#include "core/runtime/onednn.hpp"

namespace isorbit::core {

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* primitive = dynamic_cast<const dnnl::error*>(&error);
  return primitive != nullptr && primitive->status == dnnl_out_of_memory;
}

}  // namespace isorbit::core
