#include "experiments/sweep/freeze.hpp"

#include <map>

#include "core/record/durable_file.hpp"
#include "experiments/sweep/overrides.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;
using core::Json;

class Freezer {
 public:
  Freezer(const fs::path& sweep, const fs::path& folder, const OwnNames& ours)
      : beside_(fs::absolute(sweep).parent_path()), folder_(folder), taken_(ours) {}

  /// Documents of one name from several folders are told apart by a number.
  fs::path place(const fs::path& name) {
    std::string target = name.string();
    for (std::size_t number = 2; !taken_.insert(target).second; ++number)
      target = std::to_string(number) + "-" + name.string();
    return folder_ / target;
  }

  fs::path freeze(Json sweep, const fs::path& target) {
    copy(sweep.at("model"), "file");
    for (auto& [arm, fields] : sweep.at("arms").items()) {
      copy(fields, "method");
      if (fields.contains("model")) copy(fields["model"], "file");
      const Json from = fields.value("from", Json());
      if (from.is_string() && !sweep["arms"].contains(from.get<std::string>()))
        fields["from"] = at(from).string();
    }
    core::write_durably(target, sweep.dump(1) + "\n");
    return target;
  }

 private:
  fs::path at(const Json& name) const { return (beside_ / name.get<std::string>()).lexically_normal(); }

  void copy(Json& fields, const char* field) {
    if (!fields.contains(field)) return;
    const fs::path file = at(fields[field]);
    auto copied = copied_.find(file.string());
    if (copied == copied_.end()) {
      copied = copied_.emplace(file.string(), place(file.filename())).first;
      core::write_durably(copied->second, core::read_bytes(file));
    }
    fields[field] = copied->second.filename().string();
  }

  fs::path beside_, folder_;
  std::map<std::string, fs::path> copied_;
  OwnNames taken_;
};

}  // namespace

fs::path frozen_sweep(const SweepRequest& request, const fs::path& folder, const OwnNames& ours) {
  return Freezer(request.file, folder, ours).place(request.file.filename());
}

fs::path freeze(const SweepRequest& request, const fs::path& folder, const OwnNames& ours) {
  core::Document sweep = core::read_document(request.file);
  core::Problems problems;
  (void)apply_overrides(sweep.root, request, problems);
  problems.throw_if_any();
  Freezer freezer(request.file, folder, ours);
  return freezer.freeze(sweep.root, freezer.place(request.file.filename()));
}

}  // namespace isorbit::experiments
