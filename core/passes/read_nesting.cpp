// Blocks within blocks: no block contains itself, none is nested too deep, and together they stay within the
// limits of nodes and of their names. A block's size is taken once, so that a document of a few lines cannot
// keep the reader busy.
#include <algorithm>
#include <set>
#include <utility>

#include "core/passes/read_model.hpp"

namespace isorbit::core::reading {

namespace {

constexpr std::size_t kDeepestWalk = 1000;  // blocks on the stack

class Nesting {
 public:
  explicit Nesting(Reading& r) : r_(r) {}

  bool run() {
    const std::size_t before = r_.problems.size();
    for (auto& [name, scope] : r_.blocks) descend(name, scope.pointer);
    std::vector<Size> sizes;
    Size total;
    for (const Template& t : r_.top.nodes) total += sizes.emplace_back(size_of(t));
    const auto heaviest = [&](double Size::*measure) {
      const auto most = std::ranges::max_element(sizes, {}, measure);
      return r_.top.nodes[static_cast<std::size_t>(most - sizes.begin())].pointer;
    };
    if (total.nodes > static_cast<double>(kMostNodes))
      r_.report(heaviest(&Size::nodes), count_text(total.nodes) + " nodes in all",
                "at most " + std::to_string(kMostNodes), "every copy of a block counts");
    else if (total.names > static_cast<double>(kMostNameBytes))
      r_.report(heaviest(&Size::names), count_text(total.names) + " bytes of names of nodes in all",
                "at most " + std::to_string(kMostNameBytes), "every copy of a block has names of its own");
    check_blocks_used();
    return r_.problems.size() == before;
  }

 private:
  static std::string count_text(double count) {
    return count > 1e15 ? "more than 10^15" : std::to_string(static_cast<std::int64_t>(count));
  }

  /// Nodes, and the bytes of what they are called in the graph and in the document.
  struct Size {
    double nodes = 0, names = 0;
    Size& operator+=(const Size& other) {
      nodes += other.nodes;
      names += other.names;
      return *this;
    }
  };

  /// Of what a node stands for.
  Size size_of(const Template& t) {
    const auto own = static_cast<double>(t.id.size() + 1);
    if (!t.present) return {};
    if (t.card != nullptr) return {1, own + static_cast<double>(t.pointer.size())};
    if (!r_.blocks.contains(t.block)) {
      if (t.block.empty() || !t.sound) return {1, own};
      std::vector<std::string> names;
      for (const auto& [name, scope] : r_.blocks) names.push_back(name);
      r_.report(t.pointer + "/block", in_quotes(t.block), choice(names), {}, suggestion(t.block, names));
      return {1, own};
    }
    const Size inner = descend(t.block, t.pointer);
    const auto copies = static_cast<double>(t.repeat.value_or(1));
    return {copies * inner.nodes, copies * (inner.names + inner.nodes * own)};
  }

  /// Of a block, blocks within it included; its depth goes to depths_.
  Size descend(const std::string& block, const std::string& pointer) {
    if (const auto known = sizes_.find(block); known != sizes_.end()) return known->second;
    const auto open = std::find(path_.begin(), path_.end(), block);
    if (open != path_.end()) {
      std::string cycle;
      for (auto it = open; it != path_.end(); ++it) cycle += *it + " -> ";
      r_.report(pointer + "/block", "the cycle " + cycle + block, "blocks that do not contain themselves");
      return {};
    }
    if (path_.size() >= kDeepestWalk) {
      if (!std::exchange(bottomless_, true)) too_deep(block, "more than " + std::to_string(kDeepestWalk));
      return {};
    }
    path_.push_back(block);
    Size sum;
    int depth = 1;
    for (const Template& t : r_.blocks.at(block).nodes) {
      sum += size_of(t);
      if (const auto inner = depths_.find(t.block); t.present && t.card == nullptr && inner != depths_.end())
        depth = std::max(depth, inner->second + 1);
    }
    path_.pop_back();
    depths_[block] = depth;
    if (depth == kDeepestBlock + 1) too_deep(block, std::to_string(depth));
    return sizes_[block] = sum;
  }

  void too_deep(const std::string& block, const std::string& depth) {
    r_.report(r_.blocks.at(block).pointer, "blocks nested " + depth + " deep",
              "at most " + std::to_string(kDeepestBlock));
  }

  void check_blocks_used() {
    std::set<std::string> mentioned;
    const auto mention = [&](const Scope& scope) {
      for (const Template& t : scope.nodes)
        if (t.card == nullptr) mentioned.insert(t.block);
    };
    mention(r_.top);
    for (const auto& [name, scope] : r_.blocks) mention(scope);
    for (const auto& [name, scope] : r_.blocks)
      if (!mentioned.contains(name))
        r_.report(scope.pointer, "block " + in_quotes(name) + ", which nothing uses",
                  "a block that some node names");
  }

  Reading& r_;
  std::vector<std::string> path_;
  std::map<std::string, Size> sizes_;
  std::map<std::string, int> depths_;
  bool bottomless_ = false;
};

}  // namespace

bool check_nesting(Reading& r) { return Nesting(r).run(); }

}  // namespace isorbit::core::reading
