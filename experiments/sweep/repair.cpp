#include "experiments/sweep/repair.hpp"

#include <optional>

#include "core/record/durable_file.hpp"
#include "core/record/second_name.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/result.hpp"
#include "experiments/training/result_check.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

std::string name(const std::filesystem::path& file) { return file.filename().string(); }

/// "a; b" of those that are not empty.
std::string joined(const std::string& a, const std::string& b) {
  return a + (a.empty() || b.empty() ? "" : "; ") + b;
}

/// The sentence so far, and what becomes of what is put aside.
std::string before(const Examination& out) {
  return out.text.empty() ? "" : out.text + (out.aside.empty() ? "; " : "; put aside; ");
}

/// The whole result: nothing of it may stand beside a result of another attempt.
void put_all_aside(const std::filesystem::path& cell_folder, Examination& out) {
  out.aside.clear();
  for (const auto& file :
       {done_path(cell_folder), Recorder::run_path(cell_folder), weights_path(cell_folder)})
    if (core::is_there(file)) out.aside.push_back(file);
}

/// Of a published cell all of whose files are what they should be.
void examine_whole(const std::filesystem::path& cell_folder, Examination& out) {
  out.need = Need::nothing;
  out.text =
      core::is_there(weights_path(cell_folder))
          ? "complete"
          : "complete, but " + weights_path(cell_folder).string() +
                " is gone, and the attempt that had it; without done.json isorbit run trains the cell again";
}

/// Whether the attempt has what is wanted in the cell's folder: its weights, and its record or all to make
/// it.
bool supplies(const std::filesystem::path& attempt, const Result& result, const Faults& wanted,
              Examination& out) {
  const std::filesystem::path run = Recorder::run_path(attempt), weights = weights_path(attempt);
  if (!wanted.weights.empty() &&
      (!core::is_there(weights) || !fault_of_weights(weights, result.cell, result.weights_sha256).empty()))
    return false;
  const bool has_run = wanted.run.empty() ||
                       (core::is_there(run) && fault_of_record(run, result.cell, result.started).empty());
  if (!has_run && !is_trained(attempt, result.cell)) return false;
  out.need = has_run ? Need::names : Need::record;
  out.attempt = attempt;
  return true;
}

/// Of a published cell. False when its result cannot be had without training.
bool examine_published(const std::filesystem::path& cell_folder, const Result& result, bool to_the_byte,
                       Examination& out) {
  const Faults faults = faults_of(cell_folder, result, to_the_byte);
  if (faults.none()) {
    examine_whole(cell_folder, out);
    return true;
  }
  out.text = joined(faults.run, faults.weights);
  if (!supplies(cell_folder / result.attempt, result, faults, out)) {
    put_all_aside(cell_folder, out);
    return false;
  }
  std::string names;
  for (const auto& [fault, file] : {std::pair(faults.run, Recorder::run_path(cell_folder)),
                                    std::pair(faults.weights, weights_path(cell_folder))}) {
    if (fault.empty()) continue;
    if (core::is_there(file)) out.aside.push_back(file);
    if (out.need == Need::names || file != Recorder::run_path(cell_folder))
      names += (names.empty() ? "" : " and ") + name(file);
  }
  if (!names.empty()) names += " of " + result.attempt + " is given its name here";
  const bool makes = out.need == Need::record;
  out.text =
      before(out) + joined(makes ? "run.h5 is made again from the journal of " + result.attempt : "", names);
  return true;
}

/// Whether record and result of an attempt are there and whole.
bool has_result(const std::filesystem::path& attempt, const std::string& cell_id) {
  if (!core::is_there(result_path(attempt)) || !core::is_there(Recorder::run_path(attempt))) return false;
  const std::optional<Result> result = result_of(result_path(attempt), cell_id);
  return result && result->attempt == name(attempt) &&
         fault_of_record(Recorder::run_path(attempt), cell_id, result->started).empty();
}

/// Looks for an attempt that has all but a name. False where there is none.
bool examine_attempts(const std::filesystem::path& cell_folder, const std::string& cell_id,
                      Examination& out) {
  for (const Attempt& a : attempts_in(cell_folder)) {
    if (!is_trained(a.folder, cell_id)) continue;
    out.attempt = a.folder;
    out.need = has_result(a.folder, cell_id) ? Need::publish : Need::finish;
    out.text = before(out) + name(a.folder) + " is trained to its end and is " +
               (out.need == Need::publish ? "published" : "sealed and published");
    return true;
  }
  return false;
}

/// Looks for a record and weights that have only lost their done.json. False where they are not there.
bool examine_files(const std::filesystem::path& cell_folder, const std::string& cell_id, Examination& out) {
  const std::filesystem::path run = Recorder::run_path(cell_folder), weights = weights_path(cell_folder);
  if (!core::is_there(run) || !core::is_there(weights)) return false;
  core::RunRecord record;
  if (!fault_of_record(run, cell_id).empty() ||
      !core::damage_in([&] { record = core::read_run(run); }).empty())
    return false;
  const auto digest = record.provenance.find(kWeightsDigest);
  if (!fault_of_weights(weights, cell_id, digest == record.provenance.end() ? "" : digest->second).empty())
    return false;
  out.need = Need::result;
  out.text = before(out) + "done.json is made again from run.h5 and weights.safetensors";
  return true;
}

/// Links the published attempt's new result in place of the old.
void publish_again(const std::filesystem::path& cell_folder, const std::filesystem::path& attempt) {
  const std::filesystem::path part = core::part_of(done_path(cell_folder));
  std::filesystem::remove(part);
  core::name_again(result_path(attempt), part);
  core::publish(part, done_path(cell_folder));
}

}  // namespace

Examination examine(const std::filesystem::path& cell_folder, const std::string& cell_id, bool to_the_byte) {
  Examination out;
  const std::filesystem::path done = done_path(cell_folder);
  bool has_files = true;  // that may be whole without a done.json
  if (core::is_there(done)) {
    const std::optional<Result> result = result_of(done, cell_id, &out.text);
    if (result && examine_published(cell_folder, *result, to_the_byte, out)) return out;
    has_files = !result;
    if (!result) out.aside = {done};
  }
  if (examine_attempts(cell_folder, cell_id, out)) return out;
  if (has_files && examine_files(cell_folder, cell_id, out)) return out;
  out.need = Need::training;
  const auto checkpoint = newest_file(cell_folder, "checkpoint.safetensors");
  out.text = before(out) + (checkpoint ? "goes on from the checkpoint of " + name(checkpoint->parent_path())
                                       : std::string("is trained from the start"));
  return out;
}

void mend(const std::filesystem::path& cell_folder, const Examination& found) {
  for (const std::filesystem::path& file : found.aside) put_aside(file, "damaged");
  switch (found.need) {
    case Need::nothing:
    case Need::training:
      break;
    case Need::record:
      finish_attempt(found.attempt);
      publish_again(cell_folder, found.attempt);
      share_results(cell_folder);
      break;
    case Need::names:
      share_results(cell_folder);
      break;
    case Need::result:
      restore_result(cell_folder);
      break;
    case Need::finish:
      finish_attempt(found.attempt);
      [[fallthrough]];
    case Need::publish:
      publish_attempt(found.attempt);
      break;
  }
}

}  // namespace isorbit::experiments
