// Other programs, run without a shell: what stands in an argument reaches them byte by byte.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace isorbit::experiments {

struct Finished {
  int code = -1;  // -1: killed by a signal
  std::string out, err;
};

/// True when PATH leads to a program of that name.
[[nodiscard]] bool has_program(std::string_view name);

/// Runs argv[0], found by PATH, to its end, with nothing on its standard input, and without the variables of
/// the environment that begin with one of `hidden`. Throws std::system_error naming the program when it
/// cannot be started.
[[nodiscard]] Finished run_command(const std::vector<std::string>& argv,
                                   std::span<const std::string_view> hidden = {});

/// The text as one word of a POSIX shell: as it is where that is safe, else in single quotes.
[[nodiscard]] std::string shell_word(std::string_view text);
/// Words with spaces between them.
[[nodiscard]] std::string shell_words(std::span<const std::string> words);

}  // namespace isorbit::experiments
