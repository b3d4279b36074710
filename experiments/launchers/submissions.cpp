// DIR/slurm/jobs.json: {"submissions": [{"array": "12", "finish": "13", "list": "submission-1/tasks.txt",
// "round": 1, ...}]}
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "core/document/spec.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/own_document.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/launchers/slurm.hpp"

namespace isorbit::experiments {
namespace {

using core::Field;
using core::Json;
using core::Spec;

Spec jobs_spec() {
  const Spec submission = Spec::object({
      Field{"array", Spec::text(), "job id of the tasks"},
      Field{"finish", Spec::text(), "job id of the one behind them"},
      Field{"list", Spec::text(), "file of the cells, a line per task"},
      Field{"round", Spec::integer().at_least(1), "1: by the user, then by the job behind"},
      Field{"tasks", Spec::integer().at_least(1), "of the array"},
      Field{"cells", Spec::integer().at_least(1), "in them"},
  });
  return Spec::object({Field{"submissions", Spec::list(submission), "in order"}});
}

Json json_of(const Submission& s) {
  return {{"array", s.array}, {"finish", s.finish}, {"list", s.list},
          {"round", s.round}, {"tasks", s.tasks},   {"cells", s.cells}};
}

SubmissionFolder numbered(const SlurmFolder& folder, std::size_t number) {
  return {folder.path / ("submission-" + std::to_string(number))};
}

}  // namespace

SubmissionFolder next_submission(const SlurmFolder& folder) {
  std::size_t number = 1;
  while (core::is_there(numbered(folder, number).path)) ++number;
  return numbered(folder, number);
}

SubmissionFolder new_submission(const SlurmFolder& folder) {
  std::filesystem::create_directories(folder.path);
  while (true) {  // another one may take the name just now
    const SubmissionFolder next = next_submission(folder);
    if (std::filesystem::create_directory(next.path)) return next;
  }
}

std::vector<Submission> read_submissions(const SlurmFolder& folder) {
  if (!core::is_there(folder.jobs())) return {};
  const core::Document document = core::read_own_document(folder.jobs());
  core::Problems problems;
  const Json jobs = core::resolve(document.root, jobs_spec(), {&document, "", nullptr}, problems);
  problems.throw_if_any();
  std::vector<Submission> out;
  for (const Json& entry : jobs.at("submissions"))
    out.push_back({entry.at("array").get<std::string>(), entry.at("finish").get<std::string>(),
                   entry.at("list").get<std::string>(), entry.at("round").get<std::int64_t>(),
                   entry.at("tasks").get<std::size_t>(), entry.at("cells").get<std::size_t>()});
  return out;
}

std::set<std::string> cells_of(const SlurmFolder& folder, const std::string& array) {
  for (const Submission& submission : read_submissions(folder)) {
    if (submission.array != array) continue;
    std::ifstream in(folder.path / submission.list);
    std::set<std::string> ids;
    for (std::string id; in >> id;) ids.insert(id);
    if (ids.empty()) throw std::runtime_error("cannot read " + (folder.path / submission.list).string());
    return ids;
  }
  throw std::runtime_error("found no job " + array + " in " + folder.jobs().string());
}

void add_submission(const SlurmFolder& folder, const Submission& submission) {
  Json all = Json::array();
  for (const Submission& before : read_submissions(folder)) all.push_back(json_of(before));
  all.push_back(json_of(submission));
  core::write_durably(folder.jobs(), Json{{"submissions", all}}.dump(1) + "\n");
}

}  // namespace isorbit::experiments
