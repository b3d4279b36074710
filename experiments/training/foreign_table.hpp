// How another program calls a model's weights: a table in the model document, "exports": {"<program>":
// {...}}.
//
//   config    what stands in the program's configuration file, as it is
//   numbers   whole numbers there, by expressions over the model's constants;  flags: truth values likewise
//   absent    what a key of these is to the program in a file that lacks it, or has it null; absent_numbers:
//             by expressions. A key that is not here must be in the file
//   also      other places of these keys: path -> key ("rope_parameters.rope_theta" -> "rope_theta")
//   only      key -> values with which it computes what the model does: of keys beside these, or of these
//             beside the model's own
//   unchecked patterns of keys that change nothing, and that a file may have as it likes
//   tensors   their name -> ours, or {"ours": one or a list, "transposed": b, "when": condition}. `*` stands
//             for one part of a name between dots, the same in both. Several of ours lie one after another
//             along their first axis; transposed, the second axis comes first.
//   copies    their name -> another of theirs: a tensor that a file may hold only with the same numbers
//   ignored   patterns of tensors that a file may hold and that say nothing
//
// What a file has that is none of these is an error, keys and tensors alike.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/document/problem.hpp"
#include "core/document/spec.hpp"
#include "core/graph/types.hpp"
#include "core/passes/passes.hpp"

namespace isorbit::experiments {

/// One tensor of their file: its shape, and which of ours it holds.
struct ForeignTensor {
  struct Part {
    std::string name;  // of the model's
    core::Shape shape;
  };
  std::string theirs;
  core::Shape shape;
  std::vector<Part> ours;
  bool transposed = false;
};

struct ForeignTable {
  core::Json config;  // complete: numbers and flags evaluated
  core::Json absent;  // likewise
  std::map<std::string, std::string> also;
  core::Json only;
  std::vector<std::string> unchecked;
  std::vector<ForeignTensor> tensors;         // in the order of the document; together every weight once
  std::map<std::string, std::string> copies;  // none of `tensors`
  std::vector<std::string> ignored;
};

/// The tables a model document has.
[[nodiscard]] std::vector<std::string> foreign_programs(const core::Document& document);

/// Throws DocumentError: no such table, unknown keys, patterns that match no weight, weights that no pattern
/// matches or several do, shapes that cannot be joined.
[[nodiscard]] ForeignTable read_foreign_table(const core::Document& document, const core::Model& model,
                                              const std::string& program);

}  // namespace isorbit::experiments
