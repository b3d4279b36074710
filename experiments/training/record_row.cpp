#include "experiments/training/record_row.hpp"

#include <cmath>

namespace isorbit::experiments {
namespace {

using core::Json;

double number(const Json& value) { return value.is_number() ? value.get<double>() : NAN; }

RecordValue step_of(const Json& row) {
  return {"step", row.at("step").get<std::int64_t>(), "1", "finished updates"};
}

/// Of rows without names, which older programs wrote, the number of the group stands for its name.
std::string rate_column(std::size_t group, std::span<const std::string> groups) {
  if (group == 0) return "learning_rate";
  return "learning_rate:" + (group < groups.size() ? groups[group] : std::to_string(group));
}

RecordRow train(const Json& row, std::span<const std::string> groups) {
  RecordRow out{"train", {step_of(row)}};
  out.values.push_back({"loss", number(row.at("loss")), "nats", "training loss of the step's batch"});
  const Json& rates = row.at("learning_rate");
  for (std::size_t g = 0; g < rates.size(); ++g)
    out.values.push_back({rate_column(g, groups), number(rates[g]), "1",
                          g == 0 ? "learning rate of the method's first group"
                                 : "learning rate of the method's group of this name"});
  out.values.push_back(
      {"grad_norm", number(row.at("grad_norm")), "1", "Euclidean norm of all gradients before clipping"});
  out.values.push_back({"tokens", row.at("tokens").get<std::int64_t>(), "1", "targets seen so far"});
  out.values.push_back({"seconds", number(row.at("seconds")), "s", "time spent training so far"});
  return out;
}

RecordRow valid(const Json& row) {
  const double loss = number(row.at("loss"));
  RecordRow out{"valid",
                {step_of(row),
                 {"loss", loss, "nats", "mean loss over the validation set"},
                 {"perplexity", std::exp(loss), "1", "exp(loss)"}}};
  if (row.contains("bits_per_byte"))
    out.values.push_back({"bits_per_byte", number(row.at("bits_per_byte")), "bit", "loss per byte of text"});
  return out;
}

RecordRow measures(const Json& row) {
  RecordRow out{row.at("series").get<std::string>(), {step_of(row)}};
  for (const auto& [name, value] : row.at("values").items()) out.values.push_back({name, number(value), "1"});
  return out;
}

RecordRow event(const Json& row) {
  RecordRow out{"event",
                {step_of(row),
                 {"kind", row.at("kind").get<std::string>()},
                 {"parameter", row.at("parameter").get<std::string>()}}};
  const std::pair<const char*, const char*> numbers[] = {
      {"factor", "of the whole tensor; NaN where rows or columns have several"},
      {"defect", "what moved that should have stayed: singular values, or logits"},
      {"bound", "what the defect might have been"},
      {"before", "ratio of norms of weights scaled against each other, before"},
      {"after", "the same, after"},
      {"ulp", "move of the logits in units in the last place of the largest"}};
  for (const auto& [name, what] : numbers)
    out.values.push_back({name, row.contains(name) ? number(row.at(name)) : NAN, "1", what});
  return out;
}

RecordRow segment(const Json& row) {
  return {
      "segment",
      {{"start_step", row.at("start_step").get<std::int64_t>(), "1",
        "finished updates when the process began"},
       {"resumed_from", row.at("resumed_from").get<std::int64_t>(), "1", "step of the checkpoint; -1: none"},
       {"start_time", number(row.at("start_time")), "s", "seconds since 1970"}}};
}

}  // namespace

std::optional<RecordRow> record_row(const Json& row, std::span<const std::string> groups) {
  const auto kind = row.at("t").get<std::string>();
  if (kind == "train") return train(row, groups);
  if (kind == "valid") return valid(row);
  if (kind == "measure") return measures(row);
  if (kind == "event") return event(row);
  if (kind == "segment") return segment(row);
  return std::nullopt;
}

std::optional<std::vector<std::string>> group_names(const Json& row) {
  if (row.at("t") != "groups") return std::nullopt;
  return row.at("names").get<std::vector<std::string>>();
}

}  // namespace isorbit::experiments
