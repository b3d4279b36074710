// The set of places of the name that a prefix of the glob can end at is carried along the glob; so no pattern
// takes longer than its length times the name's.
#include "core/passes/name_glob.hpp"

#include <vector>

namespace isorbit::core {

namespace {

using Places = std::vector<bool>;  // [name length + 1]

/// Length of the group that starts with "{" at the front of `glob`, its braces included; 0 when it is not
/// closed.
std::size_t group_length(std::string_view glob) {
  int depth = 0;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    depth += glob[i] == '{' ? 1 : glob[i] == '}' ? -1 : 0;
    if (depth == 0) return i + 1;
  }
  return 0;
}

Places ends(std::string_view glob, std::string_view name, Places places, int depth);

/// Ends of any of the comma-separated parts.
Places group_ends(std::string_view parts, std::string_view name, const Places& places, int depth) {
  Places all(places.size(), false);
  std::size_t begin = 0;
  int inner = 0;
  for (std::size_t i = 0; i <= parts.size(); ++i) {
    if (i < parts.size()) inner += parts[i] == '{' ? 1 : parts[i] == '}' ? -1 : 0;
    if (i < parts.size() && (parts[i] != ',' || inner != 0)) continue;
    const Places one = ends(parts.substr(begin, i - begin), name, places, depth);
    for (std::size_t p = 0; p < all.size(); ++p) all[p] = all[p] || one[p];
    begin = i + 1;
  }
  return all;
}

Places ends(std::string_view glob, std::string_view name, Places places, int depth) {
  static constexpr int kDeepest = 16;
  while (!glob.empty()) {
    const std::size_t group = glob[0] == '{' && depth < kDeepest ? group_length(glob) : 0;
    if (group > 0) {
      places = group_ends(glob.substr(1, group - 2), name, places, depth + 1);
      glob.remove_prefix(group);
      continue;
    }
    Places next(places.size(), false);
    for (std::size_t p = 0; p < places.size(); ++p) {
      if (glob[0] == '*') {
        next[p] = places[p] || (p > 0 && next[p - 1]);
      } else {
        next[p] = p > 0 && places[p - 1] && (glob[0] == '?' || glob[0] == name[p - 1]);
      }
    }
    places = std::move(next);
    glob.remove_prefix(1);
  }
  return places;
}

}  // namespace

bool matches(std::string_view glob, std::string_view name) {
  Places start(name.size() + 1, false);
  start[0] = true;
  return ends(glob, name, std::move(start), 0).back();
}

}  // namespace isorbit::core
