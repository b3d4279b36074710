// What a verb is: one file in verbs/ each.
#pragma once
#include <iosfwd>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace isorbit::experiments {

/// A wrong command line; its text says what was found, what is allowed and what is near.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A signal came before there was a state to save.
struct Stopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Console {
  std::ostream& out;              // for people and JSON: control characters are shown
  std::ostream& err;              // the same
  std::ostream& data;             // `out` as it is, for the bytes of a file
  std::ostream& screen;           // `err` as it is, for what moves the cursor and shows texts by itself
  bool terminal = false;          // err is one: progress may rewrite its line
  std::vector<std::string> argv;  // the whole command line
};

struct Verb {
  const char* name;
  const char* doc;  // one line
  int (*run)(Console& console, const std::vector<std::string>& arguments);
};

/// All verbs in the order they are listed.
[[nodiscard]] std::span<const Verb> verbs();

namespace verb {
[[nodiscard]] int validate(Console&, const std::vector<std::string>&);
[[nodiscard]] int plan(Console&, const std::vector<std::string>&);
[[nodiscard]] int run(Console&, const std::vector<std::string>&);
[[nodiscard]] int retry(Console&, const std::vector<std::string>&);
[[nodiscard]] int submit(Console&, const std::vector<std::string>&);
[[nodiscard]] int repair(Console&, const std::vector<std::string>&);
[[nodiscard]] int gc(Console&, const std::vector<std::string>&);
[[nodiscard]] int status(Console&, const std::vector<std::string>&);
[[nodiscard]] int compare(Console&, const std::vector<std::string>&);
[[nodiscard]] int export_csv(Console&, const std::vector<std::string>&);
[[nodiscard]] int certify(Console&, const std::vector<std::string>&);
[[nodiscard]] int replay(Console&, const std::vector<std::string>&);
[[nodiscard]] int eval(Console&, const std::vector<std::string>&);
[[nodiscard]] int compile(Console&, const std::vector<std::string>&);
[[nodiscard]] int bench(Console&, const std::vector<std::string>&);
[[nodiscard]] int profile(Console&, const std::vector<std::string>&);
[[nodiscard]] int symmetries(Console&, const std::vector<std::string>&);
[[nodiscard]] int list(Console&, const std::vector<std::string>&);
[[nodiscard]] int schema(Console&, const std::vector<std::string>&);
}  // namespace verb

}  // namespace isorbit::experiments
