// A method document, read: which parametrization, update and events each parameter of a model has.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/document/problem.hpp"
#include "core/passes/passes.hpp"
#include "experiments/clip.hpp"
#include "experiments/event.hpp"
#include "experiments/parametrization.hpp"
#include "experiments/schedule.hpp"
#include "experiments/update.hpp"

namespace isorbit::experiments {

/// The words that methods are made of.
struct Vocabulary {
  std::vector<Parametrization> parametrizations;
  std::vector<Update> updates;
  std::vector<Event> events;
  std::vector<Schedule> schedules;
  /// Every registered word; a name declared twice in a slot is a std::logic_error.
  [[nodiscard]] static const Vocabulary& all();
};

/// A word with its resolved fields.
template <class T>
struct Word {
  const T* word = nullptr;
  core::Json fields;
  std::string at = {};  // JSON pointer of where it stands; of a word that an alias stands for, the alias's
};

/// An event with its times.
struct EventWord : Word<Event> {
  std::int64_t every = 0;                           // 0: not periodic
  std::vector<std::int64_t> at = {};                // steps; 0 is before training
  [[nodiscard]] bool due(std::int64_t step) const;  // step = finished updates
};

struct Group {
  std::string parameters;  // glob; '*' matches any run of characters, {a,b} either
  Word<Parametrization> parametrization;
  std::vector<Word<Update>> update;  // aliases expanded; none: its tensors stay as they are
  std::vector<EventWord> events;
};

struct Method {
  std::string name;
  std::optional<Clip> clip_norm;
  std::vector<Group> groups;
  std::vector<EventWord> events;
  core::Json resolved;  // constants and defaults filled in

  /// Index of the first group that matches a parameter.
  [[nodiscard]] std::optional<std::size_t> group_of(const std::string& parameter) const;
};

[[nodiscard]] core::Spec method_spec();

/// Reads a method; `overrides` sets constants. All problems at once as DocumentError.
[[nodiscard]] Method read_method(const core::Document& document,
                                 const core::Json& overrides = core::Json::object());

/// Adds a problem for every parameter without a group, every parametrization that does not fit its weight
/// (pointing at the field in the method document), every pair name an event uses that the model does not
/// declare.
void check_method(const Method& method, const core::Model& model, const core::Document& document,
                  core::Problems& problems);

/// Reads a method and checks that it fits the model. All problems at once as DocumentError.
[[nodiscard]] Method read_method_for(const core::Model& model, const core::Document& document,
                                     const core::Json& overrides = core::Json::object());

/// True when `glob` matches the whole of `name`.
[[nodiscard]] bool matches(const std::string& glob, const std::string& name);

}  // namespace isorbit::experiments
