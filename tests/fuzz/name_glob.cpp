// A pattern on the first line and a name on the second, matched as the pattern says and by another way:
// written out into patterns without braces, each of which is tried by going back to its last star.
#include "core/passes/name_glob.hpp"

#include <algorithm>
#include <vector>

#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

constexpr std::size_t most_patterns = 256;

struct TooMany {};

bool matches_plain(std::string_view glob, std::string_view name) {
  std::size_t g = 0, n = 0, star = std::string_view::npos, mark = 0;
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      mark = n;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g, ++n;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

/// Length of the group that `glob` begins with; 0 where it is not closed.
std::size_t group_length(std::string_view glob) {
  int depth = 0;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    if (glob[i] == '{') ++depth;
    if (glob[i] == '}' && --depth == 0) return i + 1;
  }
  return 0;
}

std::vector<std::string> written_out(std::string_view glob, int depth);

std::vector<std::string> alternatives(std::string_view inside, int depth) {
  std::vector<std::string> all;
  int inner = 0;
  std::string part;
  const auto finish = [&] {
    for (std::string& one : written_out(part, depth)) all.push_back(std::move(one));
    part.clear();
  };
  for (const char c : inside) {
    inner += (c == '{') - (c == '}');
    if (c == ',' && inner == 0) {
      finish();
    } else {
      part += c;
    }
  }
  finish();
  return all;
}

std::vector<std::string> written_out(std::string_view glob, int depth) {
  if (depth > 15) throw TooMany();  // from there on braces stand for themselves
  std::vector<std::string> all{""};
  while (!glob.empty()) {
    const std::size_t group = glob[0] == '{' ? group_length(glob) : 0;
    const std::vector<std::string> tails =
        group > 0 ? alternatives(glob.substr(1, group - 2), depth + 1) : std::vector{std::string(1, glob[0])};
    glob.remove_prefix(std::max<std::size_t>(group, 1));
    if (all.size() * tails.size() > most_patterns) throw TooMany();
    std::vector<std::string> longer;
    for (const std::string& head : all)
      for (const std::string& tail : tails) longer.push_back(head + tail);
    all = std::move(longer);
  }
  return all;
}

}  // namespace

void name_glob(Input input) {
  std::string_view rest = text_of(input);
  const std::string_view glob = take_until(rest, '\n'), name = rest;
  const bool found = core::matches(glob, name);
  if (glob.size() > 200 || name.size() > 200) return;
  try {
    const std::vector<std::string> plain = written_out(glob, 0);
    claim(found == std::any_of(plain.begin(), plain.end(),
                               [&](const std::string& one) { return matches_plain(one, name); }),
          "a pattern matches what one of its alternatives matches");
  } catch (const TooMany&) {
    return;
  }
}

}  // namespace isorbit::fuzz
