#include "experiments/events/rescale/check.hpp"

#include <algorithm>

#include "core/passes/name_glob.hpp"
#include "experiments/events/rescale/factors.hpp"
#include "experiments/training/rates.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;
using core::ScaledWeight;
using core::ScalingFamily;

std::string in_quotes(const std::string& word) { return core::shown(Json(word)); }

std::string joined(const std::vector<std::string>& list, const char* between) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : between) + one;
  return text;
}

struct Check {
  const Json& fields;
  const std::string& place;
  std::optional<std::size_t> group;
  const Method& method;
  const core::Model& model;
  const core::Document& document;
  core::Problems& problems;
  core::Symmetries found;

  void report(const std::string& at, std::string what, std::string expected, std::string because = {},
              std::string suggestion = {}) const {
    problems.add(document, place + at, std::move(what), std::move(expected), std::move(because),
                 std::move(suggestion));
  }

  void pattern(std::size_t i) const;
  [[nodiscard]] std::vector<std::string> refused_of(const std::string& glob) const;
  void unknown(const std::string& glob, const std::string& at) const;
  void family(const ScalingFamily& family, const std::string& at) const;
  [[nodiscard]] bool is_ours(const ScaledWeight& member) const;
  [[nodiscard]] std::size_t weights_in_group(const ScalingFamily& family) const;
  void not_ours(const ScalingFamily& family, const std::string& at) const;
  void granularity(const ScalingFamily& family) const;
  void coarse(const ScalingFamily& family) const;
  void moments(const ScalingFamily& family) const;
  [[nodiscard]] std::string no_transport(const ScaledWeight& member) const;
  void rates(const ScalingFamily& family) const;
  [[nodiscard]] std::string no_rate(const ScaledWeight& member) const;
};

void Check::pattern(std::size_t i) const {
  const auto glob = fields.at("pairs")[i].get<std::string>();
  const std::string at = "/pairs/" + std::to_string(i);
  const ScalingFamily* outside = nullptr;
  bool any = false, inside = false;
  const std::size_t before = problems.size();
  for (const ScalingFamily& one : found.families) {
    if (!core::matches(glob, one.kind)) continue;
    any = true;
    const std::size_t ours = weights_in_group(one);
    if (ours == one.members.size()) {
      inside = true;
      family(one, at);
    } else if (ours > 0 || outside == nullptr) {
      outside = &one;
      if (ours > 0) break;
    }
    if (problems.size() != before) return;  // other places of the kind would say the same
  }
  if (!any) unknown(glob, at);
  const bool divided = outside != nullptr && weights_in_group(*outside) > 0;
  if (any && (divided || !inside)) not_ours(*outside, at);
}

/// Why what the pattern names in part is not scaled: "gate rows: silu is not homogeneous" for "gate-down".
std::vector<std::string> Check::refused_of(const std::string& glob) const {
  std::vector<std::string> lines;
  for (std::string line : found.reasons()) {
    const std::string name = line.substr(0, line.find_first_of(" :"));
    for (std::size_t at = glob.find(name); at != std::string::npos; at = glob.find(name, at + 1)) {
      const auto bounds = [&](std::size_t i) { return i >= glob.size() || glob[i] == '-' || glob[i] == ','; };
      if (!(at == 0 || bounds(at - 1)) || !bounds(at + name.size())) continue;
      lines.push_back(std::move(line));
      break;
    }
  }
  return lines;
}

void Check::unknown(const std::string& glob, const std::string& at) const {
  const std::vector<std::string> kinds = found.kinds();
  const std::string why = joined(refused_of(glob), "; ");
  const auto near = core::nearest(glob, kinds);
  report(at, in_quotes(glob),
         kinds.empty() ? "no rescale: nothing in this model may be scaled against anything"
                       : "a pattern of kinds, " + core::expectation(core::Spec::text().one_of(kinds)),
         why.empty() ? "these were found in the graph; isorbit symmetries says why others were not" : why,
         near ? in_quotes(*near) : "");
}

void Check::family(const ScalingFamily& family, const std::string& at) const {
  if (!side_powers(family)) {
    report(at, in_quotes(family.kind), "weights of which each side takes one power of the factor",
           in_quotes(family.name) + " has several on a side");
    return;
  }
  granularity(family);
  coarse(family);
  moments(family);
  if (fields.at("apply") == "rates") rates(family);
}

bool Check::is_ours(const ScaledWeight& member) const {
  return !group || method.group_of(member.parameter) == group;
}

std::size_t Check::weights_in_group(const ScalingFamily& family) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(family.members, [&](const ScaledWeight& m) { return is_ours(m); }));
}

void Check::not_ours(const ScalingFamily& family, const std::string& at) const {
  const auto member =
      std::ranges::find_if(family.members, [&](const ScaledWeight& m) { return !is_ours(m); });
  report(at, in_quotes(family.kind), "a pair whose weights are all in this group",
         in_quotes(member->parameter) + " is not", "the event beside the groups");
}

void Check::granularity(const ScalingFamily& family) const {
  const auto name = fields.at("granularity").get<std::string>();
  if (factor_blocks(family, name).count > 0) return;
  std::vector<std::string> able;
  for (const std::string& other : granularities())
    if (factor_blocks(family, other).count > 0) able.push_back(other);
  std::string because = in_quotes(family.kind) + " has no key heads of its own";
  for (const ScalingFamily::Finer& finer : family.finer) because += ", " + finer.because;
  report("/granularity", in_quotes(name), core::expectation(core::Spec::text().one_of(able)), because);
}

/// Rows and columns of a weight that is stored more coarsely than in f32 take no factors of their own: it
/// would be rounded anew.
void Check::coarse(const ScalingFamily& family) const {
  if (fields.at("granularity") == "tensor") return;
  for (const ScaledWeight& member : family.members) {
    const auto owner = method.group_of(member.parameter);
    if (!owner) continue;
    const Word<Parametrization>& word = method.groups[*owner].parametrization;
    const core::Shape& shape = model.graph.shape(model.graph.parameter(member.parameter)->value);
    if (!word.word->stored || (word.word->misfits && !word.word->misfits(word.fields, shape).empty()))
      continue;
    if (word.word->stored(word.fields, shape).dtype == core::DType::f32) continue;
    report("/granularity", core::shown(fields.at("granularity")), "\"tensor\"",
           in_quotes(member.parameter) + " is stored in bytes, which would be rounded anew");
    return;
  }
}

/// Why the moments of a weight follow no factors of single rows or columns; empty: they do.
std::string Check::no_transport(const ScaledWeight& member) const {
  const auto number = method.group_of(member.parameter);
  if (!number) return {};  // said elsewhere
  const Group& owner = method.groups[*number];
  const Word<Parametrization>& word = owner.parametrization;
  const core::Shape& shape = model.graph.shape(model.graph.parameter(member.parameter)->value);
  if (word.word->misfits && !word.word->misfits(word.fields, shape).empty()) return {};
  std::string tensor = member.parameter;
  core::Shape trained = shape;
  if (word.word->coordinates) {
    if (!word.word->adapters) return {};  // its coordinates keep their moments
    const auto& [left, right] = *word.word->adapters;
    const std::string& name = member.axis == 0 ? left : right;
    for (const Coordinate& c : word.word->coordinates(word.fields, shape))
      if (c.name == name) trained = c.type.shape;
    tensor += "/" + name;
  }
  for (const Word<Update>& update : owner.update) {
    if (update.word->misfits && !update.word->misfits(update.fields, trained).empty()) continue;
    for (const Moment& moment : moments_of(*update.word, update.fields, trained))
      if (moment.shape && moment.power != 0)
        return in_quotes(update.word->name) + " keeps " + in_quotes(moment.name) + " of " +
               in_quotes(tensor) + " in a basis of its own, where it has no rows and columns of the tensor's";
  }
  return {};
}

void Check::moments(const ScalingFamily& family) const {
  const bool transports = fields.at("moments") == "transport" && fields.at("apply") == "weights";
  if (!transports || factor_blocks(family, fields.at("granularity").get<std::string>()).count < 2) return;
  for (const ScaledWeight& member : family.members) {
    const std::string why = no_transport(member);
    if (why.empty()) continue;
    report("/granularity", core::shown(fields.at("granularity")), "\"tensor\"", why,
           "\"moments\": \"reset\" beside it");
    return;
  }
}

/// Why no rate of a weight can stand for its factor; empty: it can.
std::string Check::no_rate(const ScaledWeight& member) const {
  const std::string& weight = member.parameter;
  const auto number = method.group_of(weight);
  if (!number) return {};  // said elsewhere
  const Group& owner = method.groups[*number];
  const Word<Parametrization>& word = owner.parametrization;
  if (owner.update.empty()) return in_quotes(weight) + " is not trained";
  if (word.word->coordinates && !word.word->adapters)
    return in_quotes(weight) + " is trained as " + in_quotes(word.word->name) +
           ", whose coordinates feel no factor of the weight";
  const RateRule rule = rate_rule(owner.update);
  if (!rule.obstacle.empty()) return "in the update of " + in_quotes(weight) + " " + rule.obstacle;
  if (!rule.elementwise && fields.at("granularity") != "tensor")
    return "the update of " + in_quotes(weight) +
           " looks at whole matrices, whose rows and columns have no rates of their own";
  return {};
}

void Check::rates(const ScalingFamily& family) const {
  for (const ScaledWeight& member : family.members) {
    const std::string why = no_rate(member);
    if (why.empty()) continue;
    report("/apply", "\"rates\"", "\"weights\"", why);
    return;
  }
}

}  // namespace

void check_rescale(const Json& fields, const std::string& at, std::optional<std::size_t> group,
                   const Method& method, const core::Model& model, const core::Document& document,
                   core::Problems& problems) {
  const Check check{fields, at, group, method, model, document, problems, core::symmetries(model.graph)};
  if (!model.graph.output("logits"))
    check.report("", "\"rescale\"", "a model with an output \"logits\"",
                 "what must not change is measured there");
  for (std::size_t i = 0; i < fields.at("pairs").size(); ++i) check.pattern(i);
}

}  // namespace isorbit::experiments
