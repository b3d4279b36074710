#include "experiments/program/terminal_text.hpp"

#include "core/document/printable.hpp"

namespace isorbit::experiments {
namespace {

/// Bytes at the end of a text that may be the beginning of a character.
std::size_t begun_at_end(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;
    const std::size_t length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

TerminalText::~TerminalText() {
  if (!begun_.empty()) target_ << core::printable_lines(begun_);
}

TerminalText::int_type TerminalText::overflow(int_type byte) {
  if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
  const char c = traits_type::to_char_type(byte);
  return xsputn(&c, 1) == 1 ? byte : traits_type::eof();
}

std::streamsize TerminalText::xsputn(const char* text, std::streamsize count) {
  begun_.append(text, static_cast<std::size_t>(count));
  const std::size_t whole = begun_.size() - begun_at_end(begun_);
  target_ << core::printable_lines(std::string_view(begun_).substr(0, whole));
  begun_.erase(0, whole);
  return target_ ? count : 0;
}

int TerminalText::sync() { return target_.flush() ? 0 : -1; }

}  // namespace isorbit::experiments
