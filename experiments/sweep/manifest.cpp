#include "experiments/sweep/manifest.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/document/json_file.hpp"
#include "core/record/durable_file.hpp"

namespace isorbit::experiments {
namespace {

using core::Field;
using core::Json;
using core::Spec;

constexpr std::size_t kLongest = std::size_t{1} << 30;  // a hundred thousand cells take a tenth of it

/// A file's name may be no UTF-8.
std::string line_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json object_of(const std::vector<Assignment>& changed) {
  Json out = Json::object();
  for (const Assignment& a : changed) out[a.name] = a.value;
  return out;
}

std::vector<Assignment> assignments(const Json& object) {
  std::vector<Assignment> out;
  for (const auto& [name, value] : object.items()) out.push_back({name, value});
  return out;
}

Spec from_spec() {
  return Spec::object({
      Field{"arm", Spec::text(), "of a cell", ""},
      Field{"id", Spec::text(), "of a cell", ""},
      Field{"folder", Spec::text(), "of a cell, relative to this file", ""},
      Field{"file", Spec::text(), "of weights", ""},
      Field{"sha256", Spec::text(), "of the file", ""},
  });
}

Spec row_spec() {
  return Spec::object({
      Field{"arm", Spec::text(), "the method's name in the sweep"},
      Field{"changed", Spec::map(Spec::any()), "the values that vary in the sweep"},
      Field{"place", Spec::integer().at_least(0), "among the rows of the sweep", 0},
  });
}

Spec manifest_spec() {
  const Spec cell = Spec::object({
      Field{"id", Spec::text().at_least_items(64), "SHA-256 of the resolved document and its data"},
      Field{"arm", Spec::text(), "the method's name in the sweep"},
      Field{"changed", Spec::map(Spec::any()), "the values that vary in the sweep"},
      Field{"seed", Spec::integer().at_least(0), "of the run"},
      Field{"folder", Spec::text(), "relative to this file"},
      Field{"steps", Spec::integer().at_least(1), "optimizer steps"},
      Field{"tokens", Spec::integer().at_least(1), "targets trained on"},
      Field{"parameters", Spec::integer().at_least(1), "elements"},
      Field{"spectra_bytes", Spec::number().at_least(0), "singular values in the record"},
      Field{"unigram_entropy", Spec::number().at_least(0), "of the validation targets, nats"},
      Field{"model", Spec::text(), "SHA-256 of the resolved model, but for its batch", ""},
      Field{"data", Spec::text(), "corpus and tokenizer", ""},
      Field{"data_sha256", Spec::text(), "of the data", ""},
      Field{"targets_sha256", Spec::text(), "of what the validation covers", ""},
      Field{"from", from_spec(), "what its weights start from", {}, true},
      Field{"place", Spec::integer().at_least(0), "among the rows of the sweep", 0},
      Field{"also", Spec::list(row_spec()), "other rows with its document", Json::array()},
      Field{"run", Spec::text(), "SHA-256 of what is computed, the same for cells that are one run", ""},
      Field{"idle", Spec::list(Spec::text()), "what does nothing in it", Json::array()},
  });
  const Spec dropped = Spec::object({
      Field{"arm", Spec::text(), ""},
      Field{"changed", Spec::map(Spec::any()), ""},
      Field{"seed", Spec::integer(), "", {}, true},
      Field{"clause", Spec::text(), "what dropped it"},
  });
  return Spec::object({
      Field{"name", Spec::text(), "of the sweep"},
      Field{"metric", Spec::text(), "what the arms are compared by"},
      Field{"goal", Spec::text().one_of({"minimize", "maximize"}), "which way is better"},
      Field{"baseline", Spec::text(), "the arm the others are compared with"},
      Field{"controls", Spec::map(Spec::text()), "the control of an arm", Json::object()},
      Field{"cells", Spec::list(cell), "in order"},
      Field{"dropped", Spec::list(dropped), "combinations that are no cells"},
  });
}

/// A folder of another place is not read, and never tidied up.
bool is_within(const std::filesystem::path& folder) {
  return !folder.empty() && folder.is_relative() &&
         std::ranges::none_of(folder, [](const auto& part) { return part == ".." || part == "."; });
}

Cell cell_from(const Json& entry) {
  Cell cell;
  cell.id = entry.at("id").get<std::string>();
  cell.arm = entry.at("arm").get<std::string>();
  cell.changed = assignments(entry.at("changed"));
  cell.seed = entry.at("seed").get<std::int64_t>();
  cell.folder = entry.at("folder").get<std::string>();
  cell.facts = {entry.at("steps").get<std::int64_t>(),        entry.at("tokens").get<std::int64_t>(),
                entry.at("parameters").get<std::int64_t>(),   entry.at("spectra_bytes").get<double>(),
                entry.at("unigram_entropy").get<double>(),    entry.at("model").get<std::string>(),
                entry.at("data").get<std::string>(),          entry.at("data_sha256").get<std::string>(),
                entry.at("targets_sha256").get<std::string>()};
  if (entry.contains("from")) {
    const auto text = [&](const char* key) { return entry.at("from").at(key).get<std::string>(); };
    cell.from = {text("arm"), text("id"), text("folder"), text("file"), text("sha256"), {}};
  }
  cell.place = entry.at("place").get<std::size_t>();
  for (const Json& row : entry.at("also"))
    cell.also.push_back({row.at("arm").get<std::string>(), assignments(row.at("changed")),
                         row.at("place").get<std::size_t>()});
  cell.run = entry.at("run").get<std::string>();
  cell.idle = entry.at("idle").get<std::vector<std::string>>();
  return cell;
}

}  // namespace

Json from_json(const CellStart& from) {
  if (from.id.empty()) return {{"file", from.file.string()}, {"sha256", from.sha256}};
  return {{"arm", from.arm}, {"id", from.id}, {"folder", from.folder.string()}};
}

Json manifest_of(const Sweep& sweep) {
  Json out = {{"name", sweep.name},
              {"metric", sweep.metric},
              {"goal", sweep.minimize ? "minimize" : "maximize"},
              {"baseline", sweep.baseline},
              {"controls", Json::object()},
              {"cells", Json::array()},
              {"dropped", Json::array()}};
  for (const auto& [arm, control] : sweep.controls) out["controls"][arm] = control;
  for (const Cell& cell : sweep.cells) {
    out["cells"].push_back({{"id", cell.id},
                            {"arm", cell.arm},
                            {"changed", object_of(cell.changed)},
                            {"seed", cell.seed},
                            {"folder", cell.folder.string()},
                            {"steps", cell.facts.steps},
                            {"tokens", cell.facts.tokens},
                            {"parameters", cell.facts.parameters},
                            {"spectra_bytes", cell.facts.spectra_bytes},
                            {"unigram_entropy", cell.facts.unigram_entropy},
                            {"model", cell.facts.model},
                            {"data", cell.facts.data},
                            {"data_sha256", cell.facts.data_sha256},
                            {"targets_sha256", cell.facts.targets_sha256}});
    Json& entry = out["cells"].back();
    if (cell.from) entry["from"] = from_json(*cell.from);
    entry["place"] = cell.place;
    for (const Row& row : cell.also)
      entry["also"].push_back({{"arm", row.arm}, {"changed", object_of(row.changed)}, {"place", row.place}});
    entry["run"] = cell.run;
    if (!cell.idle.empty()) entry["idle"] = cell.idle;
  }
  for (const Dropped& dropped : sweep.dropped) {
    Json entry = {{"arm", dropped.arm}, {"changed", object_of(dropped.changed)}, {"clause", dropped.clause}};
    if (dropped.seed) entry["seed"] = *dropped.seed;
    out["dropped"].push_back(entry);
  }
  return out;
}

std::string manifest_text(const Sweep& sweep) {
  std::string text;
  const Json manifest = manifest_of(sweep);
  for (const auto& [name, value] : manifest.items()) {
    text += (text.empty() ? "{" : ",\n ") + Json(name).dump() + ": ";
    if (!value.is_array()) {
      text += line_of(value);
      continue;
    }
    for (std::size_t i = 0; i < value.size(); ++i) text += (i == 0 ? "[\n  " : ",\n  ") + line_of(value[i]);
    text += value.empty() ? "[]" : "]";
  }
  text += "}\n";
  if (text.size() > kLongest)
    throw std::runtime_error("the plan of sweep " + sweep.name + " takes " +
                             std::to_string(text.size() >> 20) + " MiB; expected at most " +
                             std::to_string(kLongest >> 20) +
                             "; because it could not be read again; make a sweep of fewer cells");
  return text;
}

void write_manifest(const std::filesystem::path& folder, const Sweep& sweep) {
  const std::string text = manifest_text(sweep);
  std::filesystem::create_directories(folder);
  core::write_durably(manifest_path(folder), text);
}

Sweep read_manifest(const std::filesystem::path& folder) {
  const core::Document document = core::read_long_document(manifest_path(folder), kLongest);
  core::Problems problems;
  const Json plan = core::resolve(document.root, manifest_spec(), {&document, "", nullptr}, problems);
  problems.throw_if_any();
  for (std::size_t i = 0; i < plan.at("cells").size(); ++i) {
    const Json& folder = plan.at("cells")[i].at("folder");
    if (!is_within(folder.get<std::string>()))
      problems.add(document, core::pointer_join("/cells", i) + "/folder", core::shown(folder),
                   "a folder within the sweep's");
  }
  problems.throw_if_any();
  Sweep sweep;
  sweep.name = plan.at("name").get<std::string>();
  sweep.metric = plan.at("metric").get<std::string>();
  sweep.minimize = plan.at("goal") == "minimize";
  sweep.baseline = plan.at("baseline").get<std::string>();
  for (const auto& [arm, control] : plan.at("controls").items())
    sweep.controls.emplace_back(arm, control.get<std::string>());
  for (const Json& entry : plan.at("cells")) sweep.cells.push_back(cell_from(entry));
  for (const Json& entry : plan.at("dropped")) {
    Dropped dropped{entry.at("arm").get<std::string>(),
                    assignments(entry.at("changed")),
                    {},
                    entry.at("clause").get<std::string>()};
    if (entry.contains("seed")) dropped.seed = entry.at("seed").get<std::int64_t>();
    sweep.dropped.push_back(std::move(dropped));
  }
  return sweep;
}

}  // namespace isorbit::experiments
