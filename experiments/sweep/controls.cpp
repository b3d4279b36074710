#include "experiments/sweep/controls.hpp"

#include <algorithm>
#include <optional>

#include "experiments/method.hpp"
#include "experiments/sweep/arm_model.hpp"
#include "experiments/sweep/resolve_cells.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::shown;

bool scales_at_start(const std::vector<EventWord>& events) {
  return std::ranges::any_of(events, [](const EventWord& event) {
    return event.word->name == "rescale" && event.fields.at("apply") == "weights" && event.due(0);
  });
}

bool scales_at_start(const Method& method) {
  return scales_at_start(method.events) ||
         std::ranges::any_of(method.groups, [](const Group& g) { return scales_at_start(g.events); });
}

void turn(Json& events) {
  if (!events.is_array()) return;
  for (Json& event : events)
    if (event.is_object() && event.value("kind", Json()) == "rescale") event["apply"] = "rates";
}

/// Nothing when it cannot be read, which is reported where it is checked.
std::optional<core::Model> read(const core::Document& model, const Json& fields) {
  try {
    return core::read_model(model, every_op(), fields.value("size", std::string()), fields.at("constants"));
  } catch (const core::DocumentError&) {
    return std::nullopt;
  }
}

/// Why rates cannot stand for the rescales of a method; empty: they can.
std::string obstacle(const core::Document& control, const Json& constants, const core::Model& model) {
  core::Problems problems;
  check_method(read_method(control, constants), model, control, problems);
  try {
    problems.throw_if_any();
  } catch (const core::DocumentError& error) {
    for (const core::Problem& problem : error.problems())
      if (problem.pointer.ends_with("/apply")) return problem.because;
  }
  return {};
}

/// The method of an arm where it rescales before training; null where it does not or cannot be read.
std::shared_ptr<core::Document> control_of(const core::Document& method, const Json& constants) {
  try {
    if (!scales_at_start(read_method(method, constants))) return nullptr;
  } catch (const core::DocumentError&) {
    return nullptr;  // reported where the arm itself is read
  }
  return std::make_shared<core::Document>(with_rates(method));
}

}  // namespace

core::Document with_rates(core::Document method) {
  if (method.root.contains("events")) turn(method.root["events"]);
  for (Json& group : method.root.at("groups"))
    if (group.contains("events")) turn(group["events"]);
  return method;
}

Controls add_controls(const core::Document& document, Json& resolved, ArmDocuments& models,
                      ArmDocuments& methods, core::Problems& problems) {
  Controls out;
  const Json arms = std::move(resolved.at("arms"));
  const ArmDocuments given_models = std::move(models), given = std::move(methods);
  resolved["arms"] = Json::object();
  models.clear();
  methods.clear();
  std::size_t i = 0;
  for (const auto& [name, arm] : arms.items()) {
    resolved["arms"][name] = arm;
    models.push_back(given_models[i]);
    methods.push_back(given[i++]);
    if (arm.value("controls", resolved.at("controls").get<std::string>()) != "auto") continue;
    const std::shared_ptr<core::Document> control = control_of(*methods.back(), arm.at("set"));
    const std::optional<core::Model> model =
        control ? read(*models.back(), arm_model(resolved, arm)) : std::nullopt;
    if (!model) continue;
    if (const std::string why = obstacle(*control, arm.at("set"), *model); !why.empty()) {
      out.notes.push_back("arm " + name + " has no control: " + why);
      continue;
    }
    const std::string added = name + "-control";
    if (arms.contains(added)) {
      problems.add(document, core::pointer_join("/arms", added), "arm " + shown(Json(added)), "another name",
                   "the control of arm " + shown(Json(name)) + " is called so");
      continue;
    }
    resolved["arms"][added] = arm;
    resolved["arms"][added]["x-control-of"] = name;
    models.push_back(models.back());
    methods.push_back(control);
    out.arms.emplace_back(name, added);
    if (control->root.contains("clip_norm") && !control->root.at("clip_norm").is_null())
      out.notes.push_back("arm " + added + " equals " + name +
                          " but for clip_norm, which takes the gradients of the weights as they stand");
  }
  return out;
}

}  // namespace isorbit::experiments
