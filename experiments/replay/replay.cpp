#include "experiments/replay/replay.hpp"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "core/document/digest.hpp"
#include "experiments/timing/scratch_folder.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/cell_setup.hpp"
#include "experiments/training/provenance.hpp"
#include "experiments/training/recorder.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

const std::string& provenance_of(const core::RunRecord& record, const std::string& name) {
  const auto it = record.provenance.find(name);
  if (it == record.provenance.end())
    throw std::runtime_error("its /provenance lacks \"" + name + "\"; expected the record of a run");
  return it->second;
}

Json document_of(const core::RunRecord& record) {
  if (!record.config_sha256.empty() && record.config_sha256 != core::sha256_hex(record.config))
    throw std::runtime_error("the SHA-256 of /config does not hold: the document was changed");
  Json document = Json::parse(record.config, nullptr, false);
  for (const char* key : {"model", "method", "data", "training", "seed"})
    if (!document.is_object() || !document.contains(key))
      throw std::runtime_error("its /config lacks \"" + std::string(key) +
                               "\"; expected the resolved document of a cell");
  if (cell_id(document, provenance_of(record, "data_sha256"), record.schema_version) !=
      provenance_of(record, "cell_id"))
    throw std::runtime_error("its document and data are not those of the cell that it names, " +
                             provenance_of(record, "cell_id") + ": it was changed after it was sealed");
  return document;
}

double relative(double a, double b) {
  const double larger = std::max(std::abs(a), std::abs(b));
  return larger > 0 ? std::abs(a - b) / larger : 0;
}

}  // namespace

Replay::Replay(ReplayRequest request) : request_(std::move(request)) {
  try {
    read();
    prepare();
  } catch (const core::DocumentError&) {
    throw;
  } catch (const core::NoSeal&) {
    throw;
  } catch (const std::exception& error) {
    const std::string text = error.what(), name = request_.file.string();
    throw ReplayError(text.starts_with(name) ? text : name + ": " + text);
  }
}

void Replay::read() {
  record_ = read_cell_run(request_.file, cell_of_folder(request_.file.parent_path()), request_.seal);
  document_ = document_of(record_);
  chain_ = read_chain(record_, document_.at("training").at("steps").get<std::int64_t>());
  if (request_.until && *request_.until > steps())
    throw std::runtime_error("found --until " + std::to_string(*request_.until) + "; expected at most " +
                             std::to_string(steps()) + ", its steps");
}

void Replay::prepare() {
  Json& training = document_.at("training");
  if (request_.threads) training["threads"] = *request_.threads;
  training["ranks"] = request_.ranks;
  auto here = provenance(compute_from(training), {}, {}, {});
  here["ranks"] = std::to_string(request_.ranks);
  environment_ = settings(record_.provenance, here);
  const bool starts_from = document_.contains("from");
  if (starts_from && request_.weights.empty())
    throw std::runtime_error("this run starts from given weights (" + document_.at("from").dump() +
                             "), which are not in it; expected --weights FILE");
  if (!starts_from && !request_.weights.empty())
    throw std::runtime_error("found --weights; this run starts from no weights but its own");
  CellRequest cell;
  cell.document = document_;
  cell.document["training"]["ranks"] = 1;  // to be read by this process
  cell.data_dir = request_.data_dir;
  cell.from = request_.weights;
  cell.sources = &sources_;
  const CellSetup setup(cell);
  const std::string& recorded = provenance_of(record_, "data_sha256");
  if (setup.source->data_sha256() != recorded)
    throw std::runtime_error("was trained on other data than those in " + request_.data_dir.string() +
                             ": corpus " + document_.at("data").at("corpus").dump() +
                             " has the fingerprint " + setup.source->data_sha256() + ", recorded is " +
                             recorded);
  if (starts_from) (void)setup.given_weights(cell);
}

bool Replay::is_same_environment() const { return std::ranges::none_of(environment_, &Setting::differs); }

void Replay::compare(const ReplayLink& link, ReplayReport& report) {
  report.compared = link.step;
  const auto k = static_cast<std::size_t>(link.step);
  if (k >= chain_.links.size()) return;
  const ReplayLink& recorded = chain_.links[k];
  const double gap = link.step == 0 ? 0 : relative(recorded.loss, link.loss);
  if (!(gap <= report.most)) report.most = gap, report.most_step = link.step;
  if (report.disagreements.empty()) {
    report.disagreements = disagreements(recorded, link, chain_.tensors);
    if (report.disagreements.empty())
      report.same = link.step;
    else
      report.first = link.step;
  }
  if (report.gap == 0) report.gap = gap;
  const bool is_over = link.step >= request_.until.value_or(steps()) && link.step < steps();
  const bool is_asked = stop_ != nullptr && stop_->load() != 0;
  report.stopped = report.stopped || is_asked;
  if (is_over || is_asked || (!report.disagreements.empty() && is_same_environment())) halt_ = 2;
}

ReplayReport Replay::run(const std::atomic<int>* stop) {
  stop_ = stop;
  const ScratchFolder folder;
  ReplayReport report;
  report.same = -1;
  CellRequest cell;
  cell.document = document_;
  cell.folder = folder.path();
  cell.data_dir = request_.data_dir;
  cell.from = request_.weights;
  cell.sources = &sources_;
  cell.stop = &halt_;
  cell.live = false;
  cell.progress = request_.progress;
  cell.link = [&](const ReplayLink& link) { compare(link, report); };
  halt_ = 0;
  const CellResult result = request_.run(cell);
  if (result.outcome == Outcome::failed)
    throw std::runtime_error("the replay failed after step " + std::to_string(report.compared) + ": " +
                             result.reason);
  if (record_.schema_version < 2) {
    report.left_out = "its validations and measures, which programs of then took otherwise (schema version " +
                      std::to_string(record_.schema_version) + ")";
  } else if (result.outcome == Outcome::complete && report.disagreements.empty()) {
    const auto other = first_disagreement(record_, core::read_run(Recorder::run_path(folder.path())));
    if (other) {
      report.first = steps();
      report.disagreements = {*other};
    }
  }
  return report;
}

}  // namespace isorbit::experiments
