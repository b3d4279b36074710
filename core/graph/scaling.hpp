// Which factors on the channels of a graph's values leave its outputs as they are. A channel is an index of a
// value's last axis and has one log-scale s, whatever the other axes; a parameter of two axes has one for
// every row and every column, and its entry is multiplied by exp(s_row + s_column). Cards say in
// OpCard::scaling how those of an op's inputs and outputs hang together; what the model is fed and what it
// gives are 0. A parameter that several nodes read has one set of log-scales: factors that only a uniform
// factor of its rows against its columns, chosen apart for each use, would allow are not found.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/graph/log_scales.hpp"
#include "core/graph/op.hpp"

namespace isorbit::core {

/// Log-scales in a row.
struct Channels {
  LogScales::Variable first = 0;
  std::int64_t count = 0;
  [[nodiscard]] LogScales::Variable operator[](std::int64_t i) const {
    return first + static_cast<LogScales::Variable>(i);
  }
  [[nodiscard]] Channels part(std::int64_t begin, std::int64_t length) const {
    return {(*this)[begin], length};
  }
};

/// The log-scales of a graph, with what cards say of them.
struct GraphScales {
  /// Relates everything and solves. Nodes of cards without a hook are pinned.
  explicit GraphScales(const Graph& graph);

  LogScales scales;
  std::vector<Channels> channels;    // by value: of the last axis
  std::map<ValueId, Channels> rows;  // of parameters of two axes
  std::vector<std::string> reasons;  // by LogScales::Reason
  std::vector<bool> is_offset;       // by value: added to what carries the factor, as a bias is
  struct Group {
    Channels channels;
    std::int64_t number;
  };
  std::vector<Group> groups;  // a head and those it serves
  struct Finer {
    Channels channels;
    std::string what, because;
  };
  std::vector<Finer> finer;  // what may not have a factor of its own

  [[nodiscard]] LogScales::Reason reason(std::string text);
  [[nodiscard]] const std::string& text_of(LogScales::Reason reason) const;

 private:
  void relate(const Graph& graph, const Node& node);
};

/// What a card's hook sees of a node.
class Scaling : public Attributes {
 public:
  Scaling(GraphScales& all, const Graph& graph, const Node& node)
      : Attributes(node.attributes), all_(all), graph_(graph), node_(node) {}

  [[nodiscard]] bool has(std::size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNone; }
  [[nodiscard]] const Shape& shape(std::size_t i) const { return graph_.shape(node_.inputs[i]); }
  [[nodiscard]] const std::string& op() const { return node_.op->name; }

  /// The channels of an input that is read as a tensor: rows, where it is a parameter of two axes, are
  /// pinned.
  [[nodiscard]] Channels in(std::size_t i);
  [[nodiscard]] Channels out(std::size_t i = 0) const { return all_.channels[index(node_.outputs[i])]; }
  /// Of an input [rows, columns] that is read as a matrix. Rows of what is no parameter are pinned.
  [[nodiscard]] Channels rows(std::size_t i);
  [[nodiscard]] Channels columns(std::size_t i) const { return all_.channels[index(node_.inputs[i])]; }

  /// No factor but 1. `reason` completes "the gate may not be scaled: ...".
  void pin(Channels channels, const std::string& reason);
  /// Pins all inputs and outputs.
  void refuse(const std::string& reason);
  /// One factor for b and a, whose channels repeat along those of b where they are fewer.
  void equal(Channels b, Channels a) { related(b, 1, a); }
  /// The factor of b is the inverse of a's.
  void opposite(Channels b, Channels a) { related(b, -1, a); }
  /// The factor of b is a's to the power k, which is not 0.
  void power(Channels b, double k, Channels a) { related(b, k, a); }
  /// The factor of y is the product of a's and b's; b repeats.
  void product(Channels y, Channels a, Channels b);
  /// All these channels have one factor.
  void tie(Channels channels);
  /// Input i is added to what carries the factor: it takes it and has no say in how large it should be.
  void offset(std::size_t i) { all_.is_offset[index(node_.inputs[i])] = true; }
  /// These channels belong to group number `group`, of a head and those it serves.
  void group(Channels channels, std::int64_t group);
  /// `what` on these channels may not have a factor of its own.
  void finer(Channels channels, const std::string& what, const std::string& because);

 private:
  void related(Channels b, double power, Channels a);

  GraphScales& all_;
  const Graph& graph_;
  const Node& node_;
};

}  // namespace isorbit::core
