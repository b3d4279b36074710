// The fields of a sweep document.
#include "experiments/sweep/sweep.hpp"
#include "experiments/task.hpp"
#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {
namespace {

using core::Field;
using core::Json;
using core::Spec;

Spec constants() { return Spec::map(Spec::either({Spec::boolean(), Spec::number(), Spec::text()})); }
Spec values() { return Spec::list(Spec::any()).at_least_items(1); }

/// The fields of an object that an arm has otherwise: none must be there, none has a default.
Spec otherwise(const Spec& whole) {
  std::vector<Field> fields = whole.description().fields;
  for (Field& field : fields) field.fallback.reset(), field.optional = true;
  return Spec::object(std::move(fields));
}

Spec from_spec() {
  const Spec cell = Spec::object({
      Field{"arm", Spec::text().at_least_items(1), "another arm of the sweep"},
      Field{"where", Spec::map(Spec::any()), "values of what that arm varies, by name as in parameters",
            Json::object()},
  });
  return Spec::either({Spec::text().at_least_items(1), cell});
}

Spec model_field() {
  return Spec::object({
      Field{"file", Spec::text().at_least_items(1), "model document, relative to this one"},
      Field{"size", Spec::text(), "one of the model's sizes", {}, true},
      Field{"constants", constants(), "constants of the model", Json::object()},
  });
}

Spec arm_spec() {
  return Spec::object({
      Field{"method", Spec::text().at_least_items(1), "method document, relative to this one"},
      Field{"set", constants(), "constants of the method", Json::object()},
      Field{"tune",
            Spec::map(
                Spec::list(Spec::either({Spec::boolean(), Spec::number(), Spec::text()})).at_least_items(1)),
            "values to try of a constant of the method", Json::object()},
      Field{"when",
            Spec::text(),
            "condition over model.*, method.*, training.*, arm and seed; where it is false there is no cell",
            {},
            true},
      Field{"from",
            from_spec(),
            "what its weights start from: another arm (the cell with the same values and seed), or a file",
            {},
            true},
      Field{"controls",
            Spec::text().one_of({"auto", "none"}),
            "whether it gets a control arm; as the sweep says where absent",
            {},
            true},
      Field{"model", otherwise(model_field()),
            "fields of model that it has otherwise; a file of its own takes none of the sweep's size and "
            "constants",
            Json::object()},
      Field{"data", otherwise(data_spec()), "fields of data that it has otherwise", Json::object()},
      Field{"training", otherwise(training_spec()), "fields of training that it has otherwise",
            Json::object()},
  });
}

}  // namespace

Spec sweep_spec() {
  std::vector<std::string> metrics = {"valid/loss", "valid/perplexity", "train/loss"};
  for (const std::string& task : task_names()) metrics.push_back("eval/" + task + "/accuracy");
  return Spec::object({
      Field{"name", Spec::text().at_least_items(1), "names the folder of the results: runs/<name>"},
      Field{"doc", Spec::text(), "what the sweep is for", {}, true},
      Field{"strict", Spec::boolean(),
            "whether what does nothing in a run (an event that never happens, a warm-up longer than the run) "
            "is an "
            "error and no warning",
            false},
      Field{"model", model_field(), "what is trained"},
      Field{"data", data_spec(), "what it is trained on"},
      Field{"training", training_spec(), "how long, and what is measured"},
      Field{"arms", Spec::map(arm_spec()).at_least_items(1), "the methods that are compared, by name"},
      Field{"parameters", Spec::map(values()),
            "values of model.X, training.X, data.X or method.X; lists multiply", Json::object()},
      Field{"zip", Spec::list(Spec::map(values()).at_least_items(1)),
            "lists of equal length that advance together", Json::array()},
      Field{"exclude", Spec::list(Spec::map(Spec::any()).at_least_items(1)),
            "combinations that are no cells: arm, seed, or a name as in parameters", Json::array()},
      Field{"controls", Spec::text().one_of({"auto", "none"}),
            "auto: an arm that rescales at step 0 gets an arm <name>-control whose rates stand for the scale",
            "none"},
      Field{"seeds", Spec::list(Spec::integer().at_least(0)).at_least_items(1), "one run of every cell each",
            Json::array({0})},
      Field{"metric",
            Spec::object(
                {Field{"name", Spec::text().one_of(metrics), "what the arms are compared by", "valid/loss"},
                 Field{"goal",
                       Spec::text().one_of({"minimize", "maximize"}),
                       "which way is better; absent: more of an accuracy, less of anything else",
                       {},
                       true}}),
            "what the arms are compared by", Json::object()},
      Field{"compare",
            Spec::object(
                {Field{"baseline", Spec::text(), "the arm the others are compared with; the first", {}, true},
                 Field{"test", Spec::text().one_of({"paired"}), "paired by seed", "paired"}}),
            "how the arms are compared", Json::object()},
  });
}

}  // namespace isorbit::experiments
