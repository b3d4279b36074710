#include "core/passes/symmetries.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "core/graph/scaling.hpp"

namespace isorbit::core {

namespace {

using Unknown = LogScales::Variable;

/// An axis of a parameter with the log-scales along it.
struct Axis {
  std::size_t parameter;  // in the graph's list
  std::size_t axis;
  Channels channels;
};

/// How one unknown shows in an axis.
struct Touch {
  std::size_t axis;  // in the list of axes
  double power;
  friend auto operator<=>(const Touch&, const Touch&) = default;
};

std::string owner(const std::string& parameter) { return parameter.substr(0, parameter.rfind('.')); }
std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// "a,b<between>c" of what takes the factor and what takes its inverse, each once.
std::string joined(const ScalingFamily& family, const char* between, bool short_names) {
  std::vector<std::string> sides[2];
  for (const ScaledWeight& member : family.members) {
    std::vector<std::string>& side = sides[member.power > 0 ? 0 : 1];
    std::string name = owner(member.parameter);
    if (short_names) name = last_part(name);
    if (!member.is_offset && std::ranges::find(side, name) == side.end()) side.push_back(std::move(name));
  }
  std::string text;
  for (const std::vector<std::string>& side : sides) {
    if (&side != &sides[0]) text += between;
    for (std::size_t i = 0; i < side.size(); ++i) text += (i == 0 ? "" : ",") + side[i];
  }
  return text;
}

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), all_(graph) {
    for (std::size_t p = 0; p < graph.parameters.size(); ++p) {
      const ValueId id = graph.parameters[p].value;
      if (graph.shape(id).rank() == 2) axes_.push_back({p, 0, all_.rows.at(id)});
      axes_.push_back(
          {p, graph.shape(id).rank() == 2 ? std::size_t{1} : std::size_t{0}, all_.channels[index(id)]});
    }
  }

  Symmetries run() {
    collect();
    for (auto& [touches, unknowns] : by_touches()) add_family(touches, unknowns);
    annotate();
    sort_by_kind();
    for (const Axis& axis : axes_) refuse(axis);
    return std::move(found_);
  }

 private:
  const std::string& name(const Axis& axis) const {
    return graph_.value(graph_.parameters[axis.parameter].value).name;
  }
  bool is_offset(const Axis& axis) const {
    return all_.is_offset[index(graph_.parameters[axis.parameter].value)];
  }

  void collect() {
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      for (std::int64_t c = 0; c < axes_[a].channels.count; ++c)
        for (const LogScales::Term& term : all_.scales.of(axes_[a].channels[c])) {
          std::vector<Touch>& touches = touches_[term.unknown];
          const Touch touch{a, term.power};
          if (std::ranges::find(touches, touch) == touches.end()) touches.push_back(touch);
        }
    }
  }

  /// Unknowns that touch the same axes alike, in the order of their first axis. Powers are made such that
  /// the first touch has 1.
  std::map<std::vector<Touch>, std::vector<Unknown>> by_touches() {
    std::map<std::vector<Touch>, std::vector<Unknown>> families;
    for (auto& [unknown, touches] : touches_) {
      std::ranges::sort(touches);
      const double unit = touches.front().power;
      units_[unknown] = unit;
      std::vector<Touch> scaled = touches;
      for (Touch& touch : scaled) touch.power /= unit;
      families[scaled].push_back(unknown);
    }
    return families;
  }

  void add_family(const std::vector<Touch>& touches, const std::vector<Unknown>& unknowns) {
    ScalingFamily family;
    bool mixed = false;
    std::map<Unknown, std::int32_t> number;
    for (const Unknown unknown : unknowns) number[unknown] = family.generators++;
    for (const Touch& touch : touches) {
      const Axis& axis = axes_[touch.axis];
      ScaledWeight member{name(axis), axis.axis, touch.power, is_offset(axis), {}};
      for (std::int64_t c = 0; c < axis.channels.count; ++c) {
        std::int32_t generator = -1;
        for (const LogScales::Term& term : all_.scales.of(axis.channels[c])) {
          const auto at = number.find(term.unknown);
          if (at == number.end() || term.power / units_.at(term.unknown) != touch.power) continue;
          mixed = mixed || generator != -1;
          generator = at->second;
        }
        member.generators.push_back(generator);
      }
      family.members.push_back(std::move(member));
    }
    family.kind = joined(family, "-", true);
    family.name = joined(family, "~", false);
    const bool one_sided = std::ranges::all_of(touches, [](const Touch& t) { return t.power > 0; });
    if (mixed || one_sided) {
      for (const ScaledWeight& member : family.members)
        found_.refusals.push_back(
            {member.parameter, family.kind,
             mixed ? "a channel takes two of its factors" : "nothing takes its inverse"});
      return;
    }
    for (const auto& [unknown, generator] : number) where_[unknown] = {found_.families.size(), generator};
    found_.families.push_back(std::move(family));
  }

  /// Calls f(family, generator) for the generators of the channels.
  template <class F>
  void over(Channels channels, const F& f) {
    for (std::int64_t c = 0; c < channels.count; ++c)
      for (const LogScales::Term& term : all_.scales.of(channels[c]))
        if (const auto at = where_.find(term.unknown); at != where_.end())
          f(found_.families[at->second.first], at->second.second);
  }

  void annotate() {
    for (const GraphScales::Finer& finer : all_.finer) {
      const ScalingFamily::Finer said{finer.what, finer.because};
      over(finer.channels, [&](ScalingFamily& family, std::int32_t) {
        if (std::ranges::find(family.finer, said) == family.finer.end()) family.finer.push_back(said);
      });
    }
    constexpr std::int32_t kNoGroup = -1, kSeveral = -2;
    for (const GraphScales::Group& group : all_.groups) {
      over(group.channels, [&](ScalingFamily& family, std::int32_t generator) {
        if (family.groups.empty())
          family.groups.assign(static_cast<std::size_t>(family.generators), kNoGroup);
        std::int32_t& number = family.groups[index(generator)];
        const auto own = static_cast<std::int32_t>(group.number);
        number = number == kNoGroup || number == own ? own : kSeveral;
      });
    }
    for (ScalingFamily& family : found_.families) {
      if (std::ranges::any_of(family.groups, [](std::int32_t g) { return g < 0; })) family.groups.clear();
      family.group_count = family.groups.empty() ? 0 : 1 + std::ranges::max(family.groups);
    }
  }

  void sort_by_kind() {
    const std::vector<std::string> kinds = found_.kinds();
    std::ranges::stable_sort(found_.families, {}, [&](const ScalingFamily& family) {
      return std::ranges::find(kinds, family.kind) - kinds.begin();
    });
  }

  void refuse(const Axis& axis) {
    if (is_offset(axis)) return;
    for (std::int64_t c = 0; c < axis.channels.count; ++c)
      if (!all_.scales.reason(axis.channels[c])) return;
    const bool matrix = graph_.shape(graph_.parameters[axis.parameter].value).rank() == 2;
    const char* const which = !matrix ? "" : axis.axis == 0 ? " rows" : " columns";
    found_.refusals.push_back({name(axis), last_part(owner(name(axis))) + which,
                               all_.text_of(*all_.scales.reason(axis.channels[0]))});
  }

  const Graph& graph_;
  GraphScales all_;
  std::vector<Axis> axes_;
  std::map<Unknown, std::vector<Touch>> touches_;
  std::map<Unknown, double> units_;  // power of the unknown's first touch
  std::map<Unknown, std::pair<std::size_t, std::int32_t>> where_;
  Symmetries found_;
};

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::ranges::find(list, text) == list.end()) list.push_back(std::move(text));
}

}  // namespace

std::vector<std::string> Symmetries::kinds() const {
  std::vector<std::string> names;
  for (const ScalingFamily& family : families) add_once(names, family.kind);
  return names;
}

std::vector<std::string> Symmetries::reasons() const {
  std::vector<std::string> lines;
  for (const ScalingFamily& family : families)
    for (const ScalingFamily::Finer& finer : family.finer)
      add_once(lines, family.kind + " per " + finer.what + ": " + finer.because);
  for (const ScalingRefusal& refusal : refusals) add_once(lines, refusal.kind + ": " + refusal.because);
  return lines;
}

Symmetries symmetries(const Graph& graph) { return Finder(graph).run(); }

}  // namespace isorbit::core
