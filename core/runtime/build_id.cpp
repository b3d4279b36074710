#include "core/runtime/build_id.hpp"

#include <link.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace isorbit::core {
namespace {

constexpr std::size_t kBytes = 8;
constexpr std::string_view kOwner("GNU", 4);  // as it stands in a note, with its end

std::size_t padded(std::size_t bytes) { return (bytes + 3) / 4 * 4; }

std::string hexadecimal(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<std::size_t>(byte >> 4)];
    text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

/// Notes follow each other: a header, who wrote it, what.
std::string id_among(std::span<const std::byte> notes) {
  ElfW(Nhdr) header;
  while (notes.size() >= sizeof(header)) {
    std::memcpy(&header, notes.data(), sizeof(header));
    notes = notes.subspan(sizeof(header));
    const std::size_t name = padded(header.n_namesz), content = padded(header.n_descsz);
    if (name > notes.size() || content > notes.size() - name) return {};
    const std::string_view owner(reinterpret_cast<const char*>(notes.data()), header.n_namesz);
    if (header.n_type == NT_GNU_BUILD_ID && owner == kOwner && header.n_descsz >= kBytes)
      return hexadecimal(notes.subspan(name, kBytes));
    notes = notes.subspan(name + content);
  }
  return {};
}

}  // namespace

std::string build_id() {
  std::string id;
  ::dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* out) {
        for (const ElfW(Phdr) & part : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
          if (part.p_type != PT_NOTE) continue;
          const auto* start = reinterpret_cast<const std::byte*>(program->dlpi_addr + part.p_vaddr);
          auto& found = *static_cast<std::string*>(out);
          if (found.empty()) found = id_among({start, part.p_memsz});
        }
        return 1;  // the program itself comes first, its libraries after it
      },
      &id);
  return id.empty() ? "unknown" : id;
}

}  // namespace isorbit::core
