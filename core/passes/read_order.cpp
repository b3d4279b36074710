// References between the nodes of a scope: each must exist, none may close a cycle, and every node must be
// used.
#include <algorithm>
#include <set>

#include "core/passes/read_model.hpp"

namespace isorbit::core::reading {

namespace {

std::string joined(const std::vector<std::string>& path, const char* between) {
  std::string text;
  for (const std::string& name : path) text += (text.empty() ? "" : between) + name;
  return text;
}

/// What a node of a scope may refer to.
class Names {
 public:
  Names(const Reading& r, const Scope& scope) : scope_(scope) {
    for (const Template& t : scope.nodes) {
      if (t.id.empty()) continue;
      candidates_.push_back(t.id);
      (t.present ? present_ : absent_).insert(t.id);
    }
    for (const auto& names : {scope.inputs, r.input_names}) {
      candidates_.insert(candidates_.end(), names.begin(), names.end());
      present_.insert(names.begin(), names.end());
    }
    candidates_.erase(std::remove(candidates_.begin(), candidates_.end(), std::string()), candidates_.end());
  }

  /// Reports a name that refers to nothing.
  bool check(Reading& r, const std::string& name, const std::string& pointer,
             const std::string& expected) const {
    if (present_.contains(name)) return true;
    if (absent_.contains(name)) {
      if (!r.constants_sound) return true;
      r.report(pointer, in_quotes(name), expected,
               "\"when\" leaves \"" + name + "\" out under these constants");
    } else if (!name.empty()) {
      r.report(
          pointer, in_quotes(name), expected,
          scope_.pointer.empty() ? "" : "only names of the block and inputs of the document are seen there",
          suggestion(name, candidates_));
    }
    return false;
  }

 private:
  const Scope& scope_;
  std::vector<std::string> candidates_;
  std::set<std::string> present_, absent_;
};

void check_references(Reading& r, Scope& scope) {
  const Names names(r, scope);
  for (Template& t : scope.nodes) {
    if (!t.present) continue;
    for (std::size_t i = 0; i < t.in.size(); ++i) {
      if (names.check(r, t.in[i], t.in_pointer(i), "the id of a node or the name of an input")) continue;
      t.sound = scope.sound = false;
    }
  }
  if (scope.pointer.empty() || scope.output.empty()) return;
  if (!names.check(r, scope.output, scope.pointer + "/output", "the id of a node of the block"))
    scope.sound = false;
}

/// Names in front of the first dot of the ties of a block that are not the block's own.
void outside_ties(const Reading& r, const std::string& block, std::set<std::string>& seen,
                  std::set<std::string>& heads) {
  const auto found = r.blocks.find(block);
  if (found == r.blocks.end() || !seen.insert(block).second) return;
  for (const Template& t : found->second.nodes) {
    if (!t.present) continue;
    for (const auto& [slot, target] : t.tie.items()) {
      const std::string head = target.get<std::string>().substr(0, target.get<std::string>().find('.'));
      if (!found->second.by_id.contains(head)) heads.insert(head);
    }
    if (t.card == nullptr) outside_ties(r, t.block, seen, heads);
  }
}

/// The nodes that must come before a node: those it reads and those whose weights it shares.
std::vector<std::size_t> predecessors(const Reading& r, const Scope& scope, const Template& t) {
  std::set<std::string> seen, heads(t.in.begin(), t.in.end());
  for (const auto& [slot, target] : t.tie.items())
    heads.insert(target.get<std::string>().substr(0, target.get<std::string>().find('.')));
  if (t.card == nullptr) outside_ties(r, t.block, seen, heads);
  std::vector<std::size_t> before;
  for (const std::string& head : heads) {
    const auto it = scope.by_id.find(head);
    if (it != scope.by_id.end()) before.push_back(it->second);
  }
  std::sort(before.begin(), before.end());
  return before;
}

/// Depth-first over what each node needs, in the document's order, on a stack of its own.
class Sorter {
 public:
  Sorter(Reading& r, Scope& scope) : r_(r), scope_(scope), state_(scope.nodes.size(), State::fresh) {}

  void run() {
    for (std::size_t i = 0; i < scope_.nodes.size(); ++i)
      if (scope_.nodes[i].present && state_[i] == State::fresh) visit(i);
  }

 private:
  enum class State : std::uint8_t { fresh, open, done };
  struct Frame {
    std::size_t node;
    std::vector<std::size_t> before;
    std::size_t next = 0;
  };

  void open(std::size_t node) {
    state_[node] = State::open;
    stack_.push_back({node, predecessors(r_, scope_, scope_.nodes[node])});
  }

  void visit(std::size_t root) {
    open(root);
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      if (frame.next < frame.before.size()) {
        const std::size_t before = frame.before[frame.next++];
        if (state_[before] == State::open) report_cycle(before);
        if (state_[before] == State::fresh) open(before);
        continue;
      }
      state_[frame.node] = State::done;
      scope_.order.push_back(frame.node);
      stack_.pop_back();
    }
  }

  void report_cycle(std::size_t first) {
    const auto begin =
        std::find_if(stack_.begin(), stack_.end(), [&](const Frame& f) { return f.node == first; });
    std::vector<std::string> path{scope_.nodes[first].id};
    for (auto it = stack_.end(); it != begin;) {
      --it;
      scope_.nodes[it->node].sound = false;
      path.push_back(scope_.nodes[it->node].id);
    }
    scope_.sound = false;
    const Template& t = scope_.nodes[first];
    r_.report(t.pointer + (t.in.empty() ? "" : "/in"), "the cycle " + joined(path, " -> "),
              "nodes that do not wait for themselves", "an arrow points to what is computed from it");
  }

  Reading& r_;
  Scope& scope_;
  std::vector<State> state_;
  std::vector<Frame> stack_;
};

void check_used(Reading& r, const Scope& scope, const std::vector<std::string>& results,
                const std::string& goal) {
  std::vector<bool> used(scope.nodes.size(), false);
  for (const std::string& id : results)
    if (const auto it = scope.by_id.find(id); it != scope.by_id.end()) used[it->second] = true;
  for (auto it = scope.order.rbegin(); it != scope.order.rend(); ++it) {
    if (!used[*it]) continue;
    for (const std::string& name : scope.nodes[*it].in)
      if (const auto found = scope.by_id.find(name); found != scope.by_id.end()) used[found->second] = true;
  }
  for (std::size_t i = 0; i < scope.nodes.size(); ++i) {
    const Template& t = scope.nodes[i];
    if (t.present && !used[i])
      r.report(t.pointer + "/id", in_quotes(t.id) + ", which nothing uses",
               "a node that " + goal + " depends on");
  }
}

/// Inputs that no node mentions, present or not.
void check_inputs_used(Reading& r, const std::vector<std::string>& inputs,
                       const std::set<std::string>& mentioned,
                       const std::function<std::string(std::size_t)>& pointer) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!mentioned.contains(inputs[i]))
      r.report(pointer(i), in_quotes(inputs[i]) + ", which nothing uses", "an input that some node reads");
}

void mention(const Scope& scope, std::set<std::string>& names) {
  for (const Template& t : scope.nodes) names.insert(t.in.begin(), t.in.end());
}

void check_all_inputs_used(Reading& r) {
  std::set<std::string> all;
  mention(r.top, all);
  bool sound = r.top.sound;
  for (const auto& [name, scope] : r.blocks) {
    mention(scope, all);
    sound = sound && scope.sound;
    std::set<std::string> own{scope.output};
    mention(scope, own);
    if (scope.sound)
      check_inputs_used(r, scope.inputs, own, [&scope = scope](std::size_t i) {
        return pointer_join(scope.pointer + "/inputs", i);
      });
  }
  if (sound)
    check_inputs_used(r, r.input_names, all,
                      [&](std::size_t i) { return pointer_join("/inputs", r.input_names[i]); });
}

/// The loss and the outputs, each the id of a node of the document; adds those that are.
bool check_results(Reading& r, std::vector<std::string>& results) {
  const std::size_t before = r.problems.size();
  const Names names(r, r.top);
  const auto check = [&](const Json& id, const std::string& pointer) {
    if (!id.is_string()) return;
    const auto& name = id.get_ref<const std::string&>();
    if (!names.check(r, name, pointer, "the id of a node")) return;
    if (r.top.find(name) == nullptr && r.constants_sound) {
      r.report(pointer, in_quotes(name), "the id of a node", "it is an input");
    }
    results.push_back(name);
  };
  if (r.root.contains("loss")) check(r.root.at("loss"), "/loss");
  for (const auto& [name, id] : r.object("outputs").items()) {
    const std::string pointer = pointer_join("/outputs", name);
    check(id, pointer);
    if (name == "loss" || name.starts_with("gradient/"))
      r.report(pointer, "an output called " + in_quotes(name), "another name", "the compiler uses that one");
  }
  return r.problems.size() == before;
}

}  // namespace

bool order_scopes(Reading& r) {
  for (auto& [name, scope] : r.blocks) check_references(r, scope);
  check_references(r, r.top);
  std::vector<std::string> results;
  const bool complete = check_results(r, results) && r.root.contains("loss");
  const bool nested = check_nesting(r);
  if (!r.constants_sound) return false;
  for (auto& [name, scope] : r.blocks) {
    Sorter(r, scope).run();
    if (scope.sound) check_used(r, scope, {scope.output}, "the block's output");
  }
  Sorter(r, r.top).run();
  if (r.top.sound && complete) check_used(r, r.top, results, "the loss or an output");
  check_all_inputs_used(r);
  return nested;
}

}  // namespace isorbit::core::reading
