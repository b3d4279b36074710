// Decides where every value lives. Values of one buffer form a group: a view joins the group of what it
// views, an output may join the group of an input that dies at its node (the card's in_place facts). Groups
// that hold an input or a parameter stay outside the arena and are never written.
#include <algorithm>

#include "core/passes/passes.hpp"

namespace isorbit::core {

namespace {

constexpr std::int64_t kForever = std::int64_t{1} << 40;

struct Group {
  std::int64_t first = kForever, last = -1;
  std::size_t bytes = 0;
  bool outside = false;
};

class Planner {
 public:
  explicit Planner(const LoweredGraph& lowered) : lowered_(lowered), graph_(lowered.graph) {
    const std::size_t n = graph_.values.size();
    plan_.storage.resize(n);
    last_use_.assign(n, -1);
    for (std::size_t v = 0; v < n; ++v) plan_.storage[v] = static_cast<ValueId>(v);
  }

  MemoryPlan plan() {
    find_views();
    find_last_uses();
    share_in_place();
    place();
    return std::move(plan_);
  }

 private:
  std::size_t root(ValueId v) const {
    while (plan_.storage[index(v)] != v) v = plan_.storage[index(v)];
    return index(v);
  }

  void find_views() {
    for (const Node& node : graph_.nodes) {
      if (node.op->view)
        plan_.storage[static_cast<std::size_t>(node.outputs[0])] = static_cast<ValueId>(root(node.inputs[0]));
    }
  }

  void find_last_uses() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (const ValueId v : graph_.nodes[n].inputs) {
        if (v != kNone)
          last_use_[root(v)] = std::max<std::int64_t>(last_use_[root(v)], static_cast<std::int64_t>(n));
      }
    }
    for (const GraphOutput& o : graph_.outputs) last_use_[root(o.value)] = kForever;
  }

  bool outside(std::size_t v) const { return graph_.values[v].role != Role::computed; }

  void share_in_place() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      for (const auto& [in, out] : node.op->in_place) {
        if (in >= node.inputs.size() || node.inputs[in] == kNone) continue;
        const std::size_t from = root(node.inputs[in]);
        const std::size_t to = static_cast<std::size_t>(node.outputs[out]);
        if (root(node.outputs[out]) != to || outside(from)) continue;  // taken already, or not ours to write
        if (last_use_[from] != static_cast<std::int64_t>(n) || used_twice(node, from)) continue;
        if (graph_.values[from].type.bytes() != graph_.values[to].type.bytes()) continue;
        if (lowered_.layouts[from] || lowered_.layouts[to]) continue;
        plan_.storage[to] = static_cast<ValueId>(from);
        last_use_[from] = std::max(last_use_[from], last_use_[to]);
      }
    }
  }

  bool used_twice(const Node& node, std::size_t storage) const {
    return std::count_if(node.inputs.begin(), node.inputs.end(),
                         [&](ValueId v) { return v != kNone && root(v) == storage; }) > 1;
  }

  std::size_t bytes_of(std::size_t v) const {
    const std::size_t dense = graph_.values[v].type.bytes();
    return lowered_.layouts[v] ? std::max(dense, lowered_.layouts[v]->get_size()) : dense;
  }

  std::vector<Group> groups() const {
    std::vector<Group> groups(graph_.values.size());
    for (std::size_t v = 0; v < graph_.values.size(); ++v) {
      Group& g = groups[root(static_cast<ValueId>(v))];
      g.outside = g.outside || outside(v);
      g.bytes = std::max(g.bytes, bytes_of(v));
      if (graph_.values[v].producer != kNone)
        g.first = std::min<std::int64_t>(g.first, graph_.values[v].producer);
    }
    for (std::size_t v = 0; v < groups.size(); ++v) groups[v].last = std::max(last_use_[v], groups[v].first);
    return groups;
  }

  void place() {
    const std::vector<Group> all = groups();
    std::vector<Lifetime> lifetimes;
    std::vector<std::size_t> owner;
    for (std::size_t v = 0; v < all.size(); ++v) {
      if (root(static_cast<ValueId>(v)) != v || all[v].outside || all[v].first == kForever) continue;
      lifetimes.push_back({all[v].first, all[v].last, all[v].bytes});
      owner.push_back(v);
    }
    const std::size_t values = lifetimes.size();
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const auto step = static_cast<std::int64_t>(n);
      lifetimes.push_back({step, step, lowered_.kernels[n].scratch_bytes});
    }
    const Arena arena = pack(lifetimes);
    plan_.arena_bytes = arena.bytes;
    plan_.lower_bound_bytes = lower_bound(lifetimes);
    plan_.offsets.assign(all.size(), MemoryPlan::kOutside);
    for (std::size_t i = 0; i < values; ++i) plan_.offsets[owner[i]] = arena.offsets[i];
    for (std::size_t v = 0; v < all.size(); ++v) {
      plan_.offsets[v] = plan_.offsets[root(static_cast<ValueId>(v))];
      plan_.storage[v] = static_cast<ValueId>(root(static_cast<ValueId>(v)));
    }
    plan_.scratch_offsets.assign(arena.offsets.begin() + static_cast<std::ptrdiff_t>(values),
                                 arena.offsets.end());
  }

  const LoweredGraph& lowered_;
  const Graph& graph_;
  MemoryPlan plan_;
  std::vector<std::int64_t> last_use_;  // by storage root
};

}  // namespace

MemoryPlan plan_memory(const LoweredGraph& lowered) { return Planner(lowered).plan(); }

}  // namespace isorbit::core
