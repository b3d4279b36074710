#include "experiments/sweep/cost_cache.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/document/digest.hpp"
#include "core/record/durable_file.hpp"
#include "experiments/distributed/rank_model.hpp"
#include "experiments/sweep/processors.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/provenance.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

struct Size {
  const char* name;
  double UnitCosts::*value;
};
constexpr Size kSizes[] = {{"flops", &UnitCosts::flops},
                           {"traffic", &UnitCosts::traffic},
                           {"memory", &UnitCosts::memory},
                           {"workspace", &UnitCosts::workspace},
                           {"checkpoint_bytes", &UnitCosts::checkpoint_bytes},
                           {"weights_bytes", &UnitCosts::weights_bytes}};

Json json_of(const UnitCosts& costs) {
  Json out = {{"events", Json::object()}};
  for (const UnitPart& part : unit_parts())
    if (!std::isnan(costs.*part.seconds)) out[part.name] = costs.*part.seconds;
  for (const auto& [due, seconds] : costs.events) out["events"][due] = seconds;
  for (const Size& size : kSizes) out[size.name] = costs.*size.value;
  return out;
}

UnitCosts costs_from(const Json& json) {
  UnitCosts costs;
  for (const UnitPart& part : unit_parts())
    if (json.contains(part.name)) costs.*part.seconds = json.at(part.name).get<double>();
  for (const auto& [due, seconds] : json.at("events").items()) costs.events[due] = seconds.get<double>();
  for (const Size& size : kSizes) costs.*size.value = json.at(size.name).get<double>();
  return costs;
}

Json machine() {
  const auto made = provenance({}, "", "", {});
  Json out = {{"cores", processors().cores}};
  for (const char* key : {"cpu", "isa", "version", "onednn"}) out[key] = made.at(key);
  return out;
}

/// Nothing where there is no such file, or another one.
std::vector<CostEntry> read_entries(const std::filesystem::path& file) {
  std::error_code error;
  if (file.empty() || !std::filesystem::exists(file, error)) return {};
  std::vector<CostEntry> entries;
  try {
    const core::Document document = core::read_document(file);
    if (document.root.at("machine") != machine()) return {};
    for (const auto& [key, entry] : document.root.at("costs").items())
      entries.push_back({key, entry.at("threads").get<int>(), entry.at("dtype").get<std::string>(),
                         costs_from(entry.at("nominal")), costs_from(entry.at("timed"))});
  } catch (const std::exception&) {
    return {};
  }
  return entries;
}

/// What changes the work: integers, texts and truths. Rates and schedules of rates do not.
Json structure_of(const Json& fields) {
  Json out = Json::object();
  for (const auto& [name, value] : fields.items())
    if (value.is_number_integer() || value.is_string() || value.is_boolean() || value.is_array())
      out[name] = value;
  return out;
}

Json events_json(const std::vector<EventWord>& events) {
  Json out = Json::array();
  for (const EventWord& event : events)
    out.push_back({event.word->name, structure_of(event.fields), event.every, event.at});
  return out;
}

}  // namespace

std::string workload_key(const Json& document, const std::string& model_id, const Method& method) {
  const Compute compute = compute_from(document.at("training"));
  Json groups = Json::array();
  for (const Group& group : method.groups) {
    Json updates = Json::array();
    for (const Word<Update>& word : group.update)
      updates.push_back({word.word->name, structure_of(word.fields)});
    groups.push_back({group.parameters, group.parametrization.word->name, group.parametrization.fields,
                      std::move(updates), events_json(group.events)});
  }
  const Json key = {{"model", model_id},
                    {"batch", document.at("training").value("batch", Json())},
                    {"threads", compute.threads},
                    {"ranks", ranks_of(document)},
                    {"accumulate", compute.accumulate},
                    {"dtype", core::name_of(compute.precision)},
                    {"recompute", document.at("training").at("recompute")},
                    {"clip", method.clip_norm.has_value()},
                    {"groups", std::move(groups)},
                    {"events", events_json(method.events)}};
  return core::sha256_hex(core::canonical(key));
}

CostCache::CostCache(std::filesystem::path folder) {
  if (folder.empty()) return;
  file_ = folder / ("costs-" + core::sha256_hex(core::canonical(machine())).substr(0, 12) + ".json");
  entries_ = read_entries(file_);
  read_ = entries_.size();
}

const CostEntry* CostCache::find(const std::string& key) const {
  const auto at = std::ranges::find(entries_, key, &CostEntry::key);
  return at == entries_.end() ? nullptr : &*at;
}

void CostCache::add(CostEntry entry) { entries_.push_back(std::move(entry)); }

bool CostCache::save() const {
  if (file_.empty() || read_ == entries_.size()) return true;
  std::vector<CostEntry> all = read_entries(file_);
  all.insert(all.end(), entries_.begin() + static_cast<std::ptrdiff_t>(read_), entries_.end());
  Json costs = Json::object();
  for (const CostEntry& entry : all)
    costs[entry.key] = {{"threads", entry.threads},
                        {"dtype", entry.dtype},
                        {"nominal", json_of(entry.nominal)},
                        {"timed", json_of(entry.timed)}};
  try {
    std::filesystem::create_directories(file_.parent_path());
    core::DurableFile out(file_);
    out.write(Json{{"machine", machine()}, {"costs", std::move(costs)}}.dump(1) + "\n");
    out.commit();
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

}  // namespace isorbit::experiments
