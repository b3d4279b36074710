// The description of a document's fields. One description performs the check, writes the message, gives the
// default, prints the help and becomes the JSON Schema, so that they cannot disagree.
#pragma once
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/document/expression.hpp"
#include "core/document/json.hpp"
#include "core/document/problem.hpp"

namespace isorbit::core {

struct Field;

/// What a value may be. Copies share their description; the refining functions return a changed copy.
class Spec {
 public:
  enum class Kind { any, boolean, integer, number, text, list, object, map, variant, either };

  static Spec any();
  static Spec boolean();
  /// Integers and numbers accept an expression (a JSON string) wherever constants are in scope.
  static Spec integer();
  static Spec number();
  static Spec text();
  static Spec list(Spec element);
  /// Exactly these keys; others are errors with the nearest name suggested, unless they start with "x-":
  /// those are notes, which the resolved value leaves out, as it does "$schema" at the root of a document.
  static Spec object(std::vector<Field> fields);
  /// Any keys ("x-" too), each value as given: `constants`, `arms`, `blocks`.
  static Spec map(Spec value);
  /// An object whose `tag` field names one of the choices, each an object spec holding the remaining fields.
  static Spec variant(std::string tag, std::vector<std::pair<std::string, Spec>> choices);
  /// The first choice whose JSON type fits (number or schedule object, text or list of texts). A JSON text
  /// that is no allowed text of a text choice counts as an expression where there is a numeric choice and
  /// constants are in scope.
  static Spec either(std::vector<Spec> choices);

  [[nodiscard]] Spec at_least(double low) const;
  [[nodiscard]] Spec above(double low) const;
  [[nodiscard]] Spec at_most(double high) const;
  [[nodiscard]] Spec below(double high) const;
  // A refinement that the kind does not have is a std::logic_error, as is a key or choice described twice.
  /// Text only: one of these; the nearest is suggested.
  [[nodiscard]] Spec one_of(std::vector<std::string> allowed) const;
  /// List, map and text: at least so many elements, members or characters.
  [[nodiscard]] Spec at_least_items(std::size_t count) const;
  [[nodiscard]] Spec help(std::string line) const;

  struct Description;
  [[nodiscard]] const Description& description() const { return *description_; }

 private:
  explicit Spec(std::shared_ptr<const Description> d) : description_(std::move(d)) {}
  std::shared_ptr<const Description> description_;
  friend struct SpecAccess;
};

/// One key of an object. A field with neither fallback nor `optional` is required.
struct Field {
  std::string name;
  Spec spec;
  std::string help;  // one line
  /// Default, resolved as if it were written; a null one is taken as it is and lets null be written.
  std::optional<Json> fallback = {};
  bool optional = false;  // may be absent, or null for it, and then stays absent
};

struct Spec::Description {
  Kind kind = Kind::any;
  std::optional<double> low, high;
  bool low_open = false, high_open = false;
  std::vector<std::string> allowed;
  std::size_t least_items = 0;
  std::vector<Spec> elements;                         // list, map: one; either: the choices
  std::vector<Field> fields;                          // object
  std::string tag;                                    // variant
  std::vector<std::pair<std::string, Spec>> choices;  // variant
  std::string help;
};

/// Where a value that is being checked stands.
struct Place {
  const Document* document = nullptr;
  std::string pointer;
  const Constants* constants = nullptr;  // null: no expressions here
};

/// Checks `value` against `spec`, adds every problem, and returns the value with defaults filled in and
/// expressions evaluated (integers stay integers). What could not be checked is returned as it stands.
[[nodiscard]] Json resolve(const Json& value, const Spec& spec, const Place& place, Problems& problems);

/// What a spec wants, as an error says it: `an integer of at least 1`, `one of "adam", "lion"`.
[[nodiscard]] std::string expectation(const Spec& spec);

/// JSON Schema 2020-12 of a spec, with descriptions and defaults; `title` names the document kind.
[[nodiscard]] Json json_schema(const Spec& spec, const std::string& title);

/// `name  type and range  default  help`, a line a field, indented by depth.
[[nodiscard]] std::string help_text(const Spec& spec);

}  // namespace isorbit::core
