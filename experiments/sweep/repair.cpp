#include "experiments/sweep/repair.hpp"

#include <optional>
#include <stdexcept>

#include "core/record/durable_file.hpp"
#include "core/record/run_file.hpp"
#include "core/record/second_name.hpp"
#include "core/record/tensor_file.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/result.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

/// Why a file is not the record of the cell; empty: it is.
std::string fault_of(const std::filesystem::path& run, const std::string& cell_id) {
  try {
    const core::RunRecord record = core::read_run(run);
    const auto found = record.provenance.find("cell_id");
    if (found != record.provenance.end() && found->second == cell_id) return {};
    return run.string() + ": is the record of another cell";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// The whole result: nothing of it may stand beside a result of another attempt.
void put_aside(const std::filesystem::path& cell_folder, Examination& out) {
  out.aside.clear();
  for (const auto& file :
       {done_path(cell_folder), Recorder::run_path(cell_folder), weights_path(cell_folder)})
    if (is_there(file)) out.aside.push_back(file);
}

/// What is wrong with weights that are there, after "complete"; empty: nothing.
std::string weights_fault(const std::filesystem::path& cell_folder) {
  if (!is_there(weights_path(cell_folder))) return {};
  try {
    (void)core::read_tensors(weights_path(cell_folder));
    return {};
  } catch (const std::exception& error) {
    return std::string(", but ") + error.what() + "; without done.json isorbit run trains the cell again";
  }
}

std::string name(const std::filesystem::path& attempt) { return attempt.filename().string(); }

/// The result that is published; else what is wrong with done.json, and that it is to be put aside.
std::optional<Result> published(const std::filesystem::path& cell_folder, const std::string& cell_id,
                                Examination& out) {
  const std::filesystem::path done = done_path(cell_folder);
  if (!is_there(done)) return {};
  try {
    Result result = read_result(done);
    if (result.cell == cell_id) return result;
    out.text = done.string() + ": is of another cell";
  } catch (const std::exception& error) {
    out.text = error.what();
  }
  put_aside(cell_folder, out);
  return {};
}

/// Of a published cell. False when its result cannot be had without training.
bool examine_published(const std::filesystem::path& cell_folder, const std::string& cell_id,
                       const std::filesystem::path& attempt, bool to_the_byte, Examination& out) {
  const std::filesystem::path run = Recorder::run_path(cell_folder);
  if (is_there(run)) {
    if (to_the_byte ? is_complete_to_the_byte(cell_folder, cell_id) : is_complete(cell_folder, cell_id)) {
      const bool has_all = is_there(weights_path(cell_folder)) || !is_there(weights_path(attempt));
      out.need = has_all ? Need::nothing : Need::names;
      out.attempt = has_all ? std::filesystem::path() : attempt;
      out.text = has_all ? "complete" + (to_the_byte ? weights_fault(cell_folder) : std::string())
                         : "published; weights.safetensors is given its name again";
      return true;
    }
    out.aside.push_back(run);
    out.text = fault_of(run, cell_id);
  }
  const std::string before = out.text.empty() ? "published; " : out.text + "; put aside; ";
  if (is_there(Recorder::run_path(attempt)) && fault_of(Recorder::run_path(attempt), cell_id).empty()) {
    out.need = Need::names;
    out.text = before + "run.h5 of " + name(attempt) + " is given its name here";
  } else if (is_trained(attempt, cell_id)) {
    out.need = Need::record;
    out.text = before + "run.h5 is made again from the journal of " + name(attempt);
  } else {
    if (out.text.empty()) out.text = run.string() + ": is gone";
    put_aside(cell_folder, out);
    return false;
  }
  out.attempt = attempt;
  return true;
}

/// Whether record and result of an attempt are there and whole.
bool has_result(const std::filesystem::path& attempt, const std::string& cell_id) {
  try {
    return read_result(result_path(attempt)).cell == cell_id &&
           fault_of(Recorder::run_path(attempt), cell_id).empty();
  } catch (const std::exception&) {
    return false;
  }
}

/// Looks for an attempt that has all but a name. False where there is none.
bool examine_attempts(const std::filesystem::path& cell_folder, const std::string& cell_id,
                      Examination& out) {
  for (const Attempt& a : attempts_in(cell_folder)) {
    if (!is_trained(a.folder, cell_id)) continue;
    out.attempt = a.folder;
    out.need = has_result(a.folder, cell_id) ? Need::publish : Need::finish;
    out.text += (out.text.empty() ? "" : "; put aside; ") + name(a.folder) +
                " is trained to its end and is " +
                (out.need == Need::publish ? "published" : "sealed and published");
    return true;
  }
  return false;
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
  if (const std::optional<Result> result = published(cell_folder, cell_id, out))
    if (examine_published(cell_folder, cell_id, cell_folder / result->attempt, to_the_byte, out)) return out;
  if (examine_attempts(cell_folder, cell_id, out)) return out;
  out.need = Need::training;
  const auto checkpoint = newest_file(cell_folder, "checkpoint.safetensors");
  out.text += (out.text.empty() ? "" : "; put aside; ") +
              (checkpoint ? "goes on from the checkpoint of " + name(checkpoint->parent_path())
                          : std::string("is trained from the start"));
  return out;
}

void mend(const std::filesystem::path& cell_folder, const Examination& found) {
  for (const std::filesystem::path& file : found.aside) {
    std::filesystem::path aside = file;
    std::filesystem::rename(file, aside += ".damaged");
  }
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
    case Need::finish:
      finish_attempt(found.attempt);
      [[fallthrough]];
    case Need::publish:
      publish_attempt(found.attempt);
      break;
  }
}

}  // namespace isorbit::experiments
