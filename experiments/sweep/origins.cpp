#include "experiments/sweep/origins.hpp"

#include <algorithm>

#include "experiments/sweep/arm_model.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::pointer_join;

class Tracer {
 public:
  Tracer(const SweepSources& sources, const Candidate& cell, std::span<const Override> overrides)
      : s_(sources), cell_(cell), overrides_(overrides), arm_(sources.fields(cell.arm)) {}

  std::vector<Origin> run() {
    const Json& arm = arm_;
    const std::string arm_pointer = s_.arm_pointer(cell_.arm);
    const Json model = evaluated_constants(s_.models[cell_.arm]->root, cell_.size, cell_.model_constants);
    for (const auto& [name, value] : model.items()) add("model." + name, value, model_source(name));
    const Json method = evaluated_constants(s_.methods[cell_.arm]->root, {}, cell_.method_constants);
    for (const auto& [name, value] : method.items()) {
      std::string source = s_.methods[cell_.arm]->file;
      if (arm.at("set").contains(name)) source = written(pointer_join(arm_pointer + "/set", name));
      if (arm.at("tune").contains(name)) source = written(pointer_join(arm_pointer + "/tune", name));
      add("method." + name, value, source);
    }
    fields("data", cell_.data);
    fields("training", cell_.training);
    if (arm.contains("from")) add("from", arm.at("from"), written(arm_pointer + "/from"));
    add("seed", cell_.seed, seed_source());
    return std::move(out_);
  }

 private:
  void add(const std::string& name, const Json& value, std::string source) {
    const bool varied = std::any_of(cell_.changed.begin(), cell_.changed.end(),
                                    [&](const Assignment& a) { return a.name == name; });
    const Json& zips = s_.resolved.at("zip");
    if (varied && s_.resolved.at("parameters").contains(name))
      source = written(pointer_join("/parameters", name));
    for (std::size_t i = 0; varied && i < zips.size(); ++i)
      if (zips[i].contains(name)) source = written(pointer_join(pointer_join("/zip", i), name));
    out_.push_back({name, value, std::move(source)});
  }

  std::string model_source(const std::string& name) const {
    const Json own = arm_.at("model").value("constants", Json::object());
    if (own.contains(name))
      return written(pointer_join(s_.arm_pointer(cell_.arm) + "/model/constants", name));
    if (arm_model(s_.resolved, arm_).at("constants").contains(name))
      return written(pointer_join("/model/constants", name));
    const core::Document& document = *s_.models[cell_.arm];
    const Json& root = document.root;
    if (name == "batch" && cell_.training.contains("batch")) return written("/training/batch");
    if (!cell_.size.empty() && root.at("sizes").at(cell_.size).contains(name))
      return document.file + ", size " + cell_.size;
    return document.file;
  }

  void fields(const std::string& group, const Json& values) {
    const Json& given = s_.document.root.at(group);
    const Json& otherwise = arm_.at(group);
    for (const auto& [name, value] : values.items()) {
      std::string source = given.contains(name) ? written(pointer_join("/" + group, name)) : "default";
      if (otherwise.contains(name)) source = written(s_.arm_pointer(cell_.arm) + "/" + group + "/" + name);
      add(group + "." + name, value, std::move(source));
    }
  }

  /// A seed of the command line's own stands among the document's.
  std::string seed_source() const {
    const Json& seeds = s_.resolved.at("seeds");
    const auto index = static_cast<std::size_t>(std::ranges::find(seeds, Json(cell_.seed)) - seeds.begin());
    const std::string pointer = pointer_join("/seeds", index);
    const bool added =
        std::ranges::any_of(overrides_, [&](const Override& o) { return o.pointer == pointer; });
    return written(added ? pointer : "/seeds");
  }

  std::string written(const std::string& pointer) const {
    for (const Override& o : overrides_)
      if (pointer == o.pointer || pointer.starts_with(o.pointer + "/")) return "command line " + o.text;
    return s_.document.file + " #" + pointer;
  }

  const SweepSources& s_;
  const Candidate& cell_;
  std::span<const Override> overrides_;
  const Json& arm_;  // its fields
  std::vector<Origin> out_;
};

}  // namespace

std::vector<Origin> origins_of(const SweepSources& sources, const Candidate& candidate,
                               std::span<const Override> overrides) {
  return Tracer(sources, candidate, overrides).run();
}

}  // namespace isorbit::experiments
