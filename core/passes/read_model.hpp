// What the stages of reading a model hand to each other: constants, then inputs and nodes as written, then
// their order, then the graph. A stage reports and goes on; what a fault makes unknown is not reported again.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/passes/passes.hpp"

namespace isorbit::core::reading {

inline constexpr std::int64_t kMostNodes = 100000;  // after blocks are expanded
inline constexpr std::int64_t kMostNameBytes = std::int64_t{1} << 26;  // of all those nodes
inline constexpr std::int64_t kMostRepeats = 1024;
inline constexpr int kDeepestBlock = 32;
inline constexpr std::int64_t kMostParameters = std::int64_t{1} << 36;  // elements

/// A node as the document writes it, its attributes evaluated.
struct Template {
  std::string id, pointer;
  const OpCard* card = nullptr;  // an op,
  std::string block;             // or else a block
  std::vector<std::string> in;
  bool in_is_list = false;
  std::optional<std::int64_t> repeat = {};
  Json attributes = Json::object(), tie = Json::object(), init = Json::object();
  bool present = true;  // as `when` says
  bool sound = true;    // false: a problem has been reported and the output is unknown

  [[nodiscard]] std::string in_pointer(std::size_t i) const {
    return in_is_list ? pointer + "/in/" + std::to_string(i) : pointer + "/in";
  }
};

/// The nodes of a block, or of the document itself.
struct Scope {
  std::string pointer;  // "" or "/blocks/<name>"
  std::vector<std::string> inputs;
  std::string output;
  std::vector<Template> nodes;
  std::unordered_map<std::string, std::size_t> by_id;  // of the present nodes
  std::vector<std::size_t> order;                      // the present nodes, each after those it uses
  bool sound = true;  // false: some reference is unknown, so nobody can say what is unused

  [[nodiscard]] const Template* find(const std::string& id) const {
    const auto it = by_id.find(id);
    return it == by_id.end() ? nullptr : &nodes[it->second];
  }
};

struct Reading {
  const Document& document;
  const OpSet& ops;
  Problems problems = {};
  Json root = Json::object();  // the document with defaults, nodes and inputs as written
  Constants constants = {};
  bool constants_sound = true;  // false: nothing can be evaluated
  std::vector<ModelInput> inputs = {};
  std::vector<std::string> input_names = {};  // also of those that are not sound
  std::map<std::string, Scope> blocks = {};
  Scope top = {};

  void report(std::string pointer, std::string found, std::string expected, std::string because = {},
              std::string suggestion = {}) {
    problems.add(document, std::move(pointer), std::move(found), std::move(expected), std::move(because),
                 std::move(suggestion));
  }
  [[nodiscard]] Place place(std::string pointer) const { return {&document, std::move(pointer), &constants}; }
  /// The member of the document if it is there and an object or array as asked, else an empty one.
  [[nodiscard]] const Json& object(const char* key) const;
  [[nodiscard]] const Json& list(const char* key) const;
};

[[nodiscard]] std::string in_quotes(std::string_view word);
/// The nearest candidate in quotes; empty when none is near.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);
/// "one of "a", "b"" of what there is to choose from.
[[nodiscard]] std::string choice(const std::vector<std::string>& names);
/// Letters, digits and _, not beginning with a digit.
[[nodiscard]] bool is_name(std::string_view text);

/// The spec of the document around its inputs and nodes.
[[nodiscard]] Spec shell_spec(const Spec& inputs, const Spec& node);
[[nodiscard]] Spec inputs_spec();
[[nodiscard]] Spec op_node_spec(const OpCard& card, bool with_op);
[[nodiscard]] Spec block_node_spec();
[[nodiscard]] Spec when_spec();

/// Evaluates the constants of the document under a size and overrides; returns them.
[[nodiscard]] Json read_constants(Reading& reading, const std::string& size, const Json& overrides);
void read_inputs(Reading& reading);
void read_scopes(Reading& reading);
/// Resolves references, sorts, and finds cycles, unused nodes and sizes past the limits. False: the document
/// cannot be built at all.
[[nodiscard]] bool order_scopes(Reading& reading);
/// Whether the blocks nest without cycles, within the limits of depth and of nodes; also finds blocks nobody
/// uses.
[[nodiscard]] bool check_nesting(Reading& reading);
[[nodiscard]] Graph build_graph(Reading& reading);

}  // namespace isorbit::core::reading
