#include "experiments/sweep/starts.hpp"

#include <algorithm>
#include <set>

#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;
using core::shown;

const Json* value_of(const std::vector<Assignment>& changed, const std::string& name) {
  for (const Assignment& a : changed)
    if (a.name == name) return &a.value;
  return nullptr;
}

/// True when `to` may start from `from`, of its seed, which varies what it varies.
bool fits(const Candidate& to, const Candidate& from, const Json& where) {
  return std::ranges::all_of(from.changed, [&](const Assignment& a) {
    const Json* wanted = where.contains(a.name) ? &where.at(a.name) : value_of(to.changed, a.name);
    return wanted == nullptr || equal(*wanted, a.value);
  });
}

}  // namespace

Starts::Starts(const SweepSources& sources, core::Problems& problems)
    : s_(sources),
      problems_(problems),
      names_(sources.arms()),
      arms_(names_.size()),
      said_(names_.size(), false) {
  for (std::size_t arm = 0; arm < names_.size(); ++arm) read(arm);
  check_circles();
}

void Starts::read(std::size_t arm) {
  const Json& fields = s_.fields(arm);
  if (!fields.contains("from")) return;
  const Json& from = fields.at("from");
  const bool is_object = from.is_object();
  const auto name = (is_object ? from.at("arm") : from).get<std::string>();
  if (is_object) arms_[arm].where = from.at("where");
  if (const auto at = std::ranges::find(names_, name); at != names_.end()) {
    arms_[arm].arm = static_cast<std::size_t>(at - names_.begin());
    return;
  }
  std::string because = "no arm is called so";
  if (!is_object) {
    const std::filesystem::path path =
        (std::filesystem::path(s_.document.file).parent_path() / name).lexically_normal();
    try {
      arms_[arm].file = weights_file(path);
      return;
    } catch (const std::runtime_error& error) {
      because += std::string(" and ") + error.what();
    }
  }
  std::vector<std::string> others = names_;
  std::erase(others, names_[arm]);
  const auto near = core::nearest(name, others);
  problems_.add(s_.document, s_.arm_pointer(arm) + (is_object ? "/from/arm" : "/from"), shown(Json(name)),
                is_object ? "another arm of the sweep" : "another arm of the sweep, or a file of weights",
                because, near ? shown(Json(*near)) : "");
}

void Starts::check_circles() {
  for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
    std::vector<std::size_t> chain = {arm};
    while (arms_[chain.back()].arm && chain.size() <= arms_.size()) {
      chain.push_back(*arms_[chain.back()].arm);
      if (chain.back() == arm) break;
    }
    const bool first = arm == *std::ranges::min_element(chain);  // a circle is said once
    if (chain.size() < 2 || chain.back() != arm || !first) continue;
    std::string text;
    for (const std::size_t link : chain) text += (text.empty() ? "" : " from ") + shown(Json(names_[link]));
    problems_.add(s_.document, s_.arm_pointer(arm) + "/from", shown(Json(names_[chain[1]])),
                  "an arm that does not start from this one", "it would be " + text);
  }
}

std::vector<std::size_t> Starts::order() const {
  std::vector<std::vector<std::size_t>> followers(arms_.size());  // what starts from an arm, in order
  std::vector<std::size_t> order;
  for (std::size_t arm = 0; arm < arms_.size(); ++arm)
    if (arms_[arm].arm) followers[*arms_[arm].arm].push_back(arm);
  std::set<std::size_t> ready;  // of a circle there is no order
  for (std::size_t arm = 0; arm < arms_.size(); ++arm)
    if (!arms_[arm].arm) ready.insert(arm);
  while (!ready.empty()) {
    const std::size_t arm = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(arm);
    ready.insert(followers[arm].begin(), followers[arm].end());
  }
  return order;
}

std::optional<std::size_t> Starts::candidate_of(const Candidate& candidate, const Expansion& expansion) {
  const ArmStart& start = arms_[candidate.arm];
  if (!start.arm) return std::nullopt;
  if (by_arm_and_seed_.empty())
    for (std::size_t i = 0; i < expansion.candidates.size(); ++i)
      by_arm_and_seed_[{expansion.candidates[i].arm, expansion.candidates[i].seed}].push_back(i);
  check_where(candidate.arm, expansion);
  std::vector<std::size_t> found;
  for (const std::size_t i : by_arm_and_seed_[{*start.arm, candidate.seed}])
    if (fits(candidate, expansion.candidates[i], start.where)) found.push_back(i);
  if (found.size() == 1) return found.front();
  if (!said_[candidate.arm]) report(candidate, expansion, found);
  said_[candidate.arm] = true;
  return std::nullopt;
}

/// The names of "where" are among those that the other arm varies.
void Starts::check_where(std::size_t arm, const Expansion& expansion) {
  if (said_[arm] || arms_[arm].where.empty() || !where_checked_.insert(arm).second) return;
  std::vector<std::string> varied;
  for (const Candidate& other : expansion.candidates)
    if (other.arm == *arms_[arm].arm)
      for (const Assignment& a : other.changed)
        if (std::ranges::find(varied, a.name) == varied.end()) varied.push_back(a.name);
  const std::string at = s_.arm_pointer(arm) + "/from/where";
  for (const auto& [name, value] : arms_[arm].where.items()) {
    if (std::ranges::find(varied, name) != varied.end()) continue;
    said_[arm] = true;
    const auto near = core::nearest(name, varied);
    problems_.add(s_.document, pointer_join(at, name), shown(Json(name)),
                  varied.empty() ? "no name" : core::expectation(core::Spec::text().one_of(varied)),
                  "these vary in arm " + shown(Json(names_[*arms_[arm].arm])),
                  near ? shown(Json(*near)) : "");
  }
}

void Starts::report(const Candidate& candidate, const Expansion& expansion,
                    const std::vector<std::size_t>& found) {
  const ArmStart& start = arms_[candidate.arm];
  const std::string name = shown(Json(names_[*start.arm])), label = label_of(candidate.changed);
  const std::string cell = shown(Json(names_[candidate.arm])) + (label.empty() ? "" : " " + label) +
                           " seed " + std::to_string(candidate.seed);
  std::string because, suggestion;
  if (found.empty()) {
    because = "no cell of arm " + name + " has the seed and the values of " + cell;
    for (const Dropped& dropped : expansion.dropped)
      if (dropped.arm == names_[*start.arm] && (!dropped.seed || dropped.seed == candidate.seed)) {
        because += "; " + dropped.clause;
        break;
      }
  } else {
    because = cell + " could start from " + std::to_string(found.size()) +
              " of them: " + label_of(expansion.candidates[found[0]].changed) + "; " +
              label_of(expansion.candidates[found[1]].changed) + (found.size() > 2 ? "; ..." : "");
    Json where = start.where;
    for (const Assignment& a : expansion.candidates[found[0]].changed)
      if (value_of(candidate.changed, a.name) == nullptr) where[a.name] = a.value;
    suggestion = Json{{"arm", names_[*start.arm]}, {"where", where}}.dump();
  }
  problems_.add(s_.document, s_.arm_pointer(candidate.arm) + "/from", name,
                "an arm with one cell that fits each of this arm's", because, suggestion);
}

}  // namespace isorbit::experiments
