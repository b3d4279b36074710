#include "experiments/training/foreign_config.hpp"

#include <algorithm>
#include <set>

#include "core/passes/name_glob.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

struct Leaf {
  std::string key;
  Json value;
};

void add_leaves(const std::string& key, const Json& value, std::vector<Leaf>& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.items())
      add_leaves(key.empty() ? name : key + "." + name, member, out);
  } else if (value.is_array()) {
    for (const Json& element : value) add_leaves(key, element, out);
  } else {
    out.push_back({key, value});
  }
}

bool is_unchecked(const std::string& key, const ForeignTable& table) {
  return std::ranges::any_of(table.unchecked, [&](const std::string& glob) {
    return core::matches(glob, key) || core::matches(glob + ".*", key);
  });
}

/// What a key may be: the model's value, and those that compute the same.
std::vector<Json> allowed(const std::string& key, const ForeignTable& table) {
  std::vector<Json> out;
  if (table.config.contains(key)) out.push_back(table.config.at(key));
  if (table.only.contains(key))
    for (const Json& value : table.only.at(key)) out.push_back(value);
  return out;
}

std::string shown(const std::vector<Json>& values) {
  std::string out;
  for (const Json& value : values) out += (out.empty() ? "" : " or ") + core::shown(value);
  return out;
}

}  // namespace

std::vector<std::string> misfits_of_config(const Json& theirs, const ForeignTable& table) {
  if (!theirs.is_object()) return {"found " + core::shown(theirs) + "; expected an object of keys"};
  std::vector<Leaf> leaves;
  add_leaves({}, theirs, leaves);
  std::vector<std::string> out;
  std::set<std::string> given;
  for (const auto& [key, value] : leaves) {
    if (value.is_null() || is_unchecked(key, table)) continue;
    const auto also = table.also.find(key);
    const std::string& meant = also == table.also.end() ? key : also->second;
    given.insert(meant);
    const std::vector<Json> expected = allowed(meant, table);
    if (std::ranges::find(expected, value) != expected.end()) continue;
    out.push_back("\"" + key + "\": found " + core::shown(value) +
                  (expected.empty() ? "; expected no such key: it is unknown and may change what is computed"
                                    : "; expected " + shown(expected) + ", as the model has it"));
  }
  for (const auto& [key, ours] : table.config.items()) {
    if (given.contains(key) || ours.is_null() || is_unchecked(key, table)) continue;
    const std::vector<Json> expected = allowed(key, table);
    if (!table.absent.contains(key))
      out.push_back("\"" + key + "\": found none; expected " + shown(expected) + ", as the model has it");
    else if (std::ranges::find(expected, table.absent.at(key)) == expected.end())
      out.push_back("\"" + key + "\": found none, which stands for " + core::shown(table.absent.at(key)) +
                    "; expected " + shown(expected) + ", as the model has it");
  }
  return out;
}

}  // namespace isorbit::experiments
