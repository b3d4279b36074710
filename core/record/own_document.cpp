#include "core/record/own_document.hpp"

#include <string_view>

#include "core/record/durable_file.hpp"

namespace isorbit::core {

Document read_own_document(const std::filesystem::path& file) {
  const auto bytes = read_bytes(file);
  return parse_document({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file.string());
}

}  // namespace isorbit::core
