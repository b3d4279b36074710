// What a fuzzer runs: a target feeds any bytes to a reader and claims what must hold of whatever comes of
// them. libfuzzer.cpp makes a program of each, corpora_test.cpp runs them over the kept inputs.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/document/json_cursor.hpp"
#include "core/document/problem.hpp"

namespace isorbit::fuzz {

using Input = std::span<const std::uint8_t>;

/// One function a target, in the file of its name; what it reads stands at the top of that file.
void json(Input input);
void expression(Input input);
void name_glob(Input input);
void cbor(Input input);
void journal(Input input);
void tensors(Input input);
void seal(Input input);
void record(Input input);
void hdf5(Input input);
void checkpoint(Input input);
void overrides(Input input);
void duration(Input input);
void model(Input input);
void method(Input input);
void sweep(Input input);
void folder(Input input);

/// A claim that an input has refuted. No target catches it: it ends a fuzzer and fails a test.
struct Refuted : std::logic_error {
  using std::logic_error::logic_error;
};

using core::is_utf8;

inline void claim(bool holds, const std::string& what) {
  if (!holds) throw Refuted(what);
}

inline std::string_view text_of(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Takes everything up to `end`, which is dropped, off the front of `rest`; all of it where there is none.
inline std::string_view take_until(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view taken = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return taken;
}

/// Every problem has words, and words that a JSON file can hold.
inline void check_problems(const core::DocumentError& error) {
  claim(!error.problems().empty(), "an error about a document names a problem");
  for (const core::Problem& problem : error.problems()) {
    claim(!problem.found.empty() && !problem.expected.empty(), "a problem says what was found and expected");
    claim(is_utf8(problem.text()), "a problem is UTF-8: " + problem.text());
  }
}

}  // namespace isorbit::fuzz
