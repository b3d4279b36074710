// What stands between a verb's words and the terminal they may go to: keys of documents, names of files and
// tensors may hold escape sequences, and are not to be obeyed.
#pragma once
#include <ostream>
#include <streambuf>
#include <string>

namespace isorbit::experiments {

/// Passes text on as core::printable_lines writes it. A character of several bytes may come in pieces.
class TerminalText : public std::streambuf {
 public:
  explicit TerminalText(std::ostream& target) : target_(target) {}
  ~TerminalText() override;
  TerminalText(const TerminalText&) = delete;
  TerminalText& operator=(const TerminalText&) = delete;

 protected:
  int_type overflow(int_type byte) override;
  std::streamsize xsputn(const char* text, std::streamsize count) override;
  int sync() override;

 private:
  std::ostream& target_;
  std::string begun_;  // of a character: fewer bytes than it has
};

}  // namespace isorbit::experiments
