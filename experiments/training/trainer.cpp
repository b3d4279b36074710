#include "experiments/training/trainer.hpp"

#include <chrono>
#include <cmath>
#include <fstream>
#include <optional>

#include "core/record/durable_file.hpp"
#include "core/record/run_file.hpp"
#include "experiments/data/shared_sources.hpp"
#include "experiments/training/cell_document.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/learner_scope.hpp"
#include "experiments/training/measurement.hpp"
#include "experiments/training/provenance.hpp"
#include "experiments/training/recorder.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {

namespace {

using Clock = std::chrono::steady_clock;
using core::Json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The training ended in numbers that are no numbers.
struct Diverged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// bf16 where the document asks for it and the CPU has products for it.
Compute compute_of(const Json& training) {
  static const std::map<std::string, core::Recompute> policies = {
      {"none", core::Recompute::none}, {"auto", core::Recompute::automatic}, {"full", core::Recompute::full}};
  const bool bf16 = training.at("dtype") == "bf16" && core::has_fast_bf16();
  return {training.at("threads").get<int>(), bf16 ? core::DType::bf16 : core::DType::f32,
          policies.at(training.at("recompute").get<std::string>())};
}

/// Everything one cell needs, opened and checked before the first step.
struct Setup {
  core::OpSet ops;
  core::Model model;
  Method method;
  std::shared_ptr<const BatchSource> source;
  std::int64_t targets_per_step = 0;
  std::string cell_id;

  explicit Setup(const CellRequest& request) : ops(ops::registered()) {
    const core::Document model_document{"model", request.document.at("model"), {}};
    const core::Document method_document{"method", request.document.at("method"), {}};
    model = core::read_model(model_document, ops);
    method = read_method(method_document);
    core::Problems problems;
    check_method(method, model, method_document, problems);
    problems.throw_if_any();
    source = open_source(request);
    const core::Shape targets(source->inputs().back().shape);
    targets_per_step = targets.elements();
    cell_id = experiments::cell_id(request.document, source->data_sha256());
  }

  std::shared_ptr<const BatchSource> open_source(const CellRequest& request) const {
    const Json& data = request.document.at("data");
    const BatchRequest batches =
        batch_request(model, request.document.at("training").at("valid_targets").get<std::int64_t>());
    const auto corpus = data.at("corpus").get<std::string>();
    const TokenizerChoice tokenizer = TokenizerChoice::from_json(data.at("tokenizer"));
    std::shared_ptr<const BatchSource> opened =
        request.sources != nullptr ? request.sources->open(corpus, request.data_dir, tokenizer, batches)
                                   : open_batches(open_corpus(corpus, request.data_dir), tokenizer, batches);
    check_inputs(*opened, corpus);
    return opened;
  }

  void check_inputs(const BatchSource& opened, const std::string& corpus) const {
    std::string offers;
    for (const InputDescription& d : opened.inputs()) {
      offers += (offers.empty() ? "" : ", ") + d.name + " " + core::Shape(d.shape).text();
    }
    for (const core::ModelInput& input : model.inputs) {
      bool fits = false;
      for (const InputDescription& d : opened.inputs()) {
        fits = fits || (d.name == input.name && d.shape == input.type.shape.dims() &&
                        (d.type == InputType::s32) == (input.type.dtype == core::DType::s32));
      }
      if (!fits) {
        throw DataError("the model's input \"" + input.name + "\" is " + input.type.text() + "; corpus \"" +
                        corpus + "\" offers " + offers);
      }
    }
  }
};

class CellRun {
 public:
  explicit CellRun(const CellRequest& request)
      : request_(request),
        setup_(request),
        training_(request.document.at("training")),
        steps_(training_.at("steps").get<std::int64_t>()),
        seed_(request.document.at("seed").get<std::uint64_t>()),
        learner_(setup_.model, setup_.method, setup_.ops, seed_, compute_of(training_)) {
    if (training_.at("dtype") == "bf16" && !core::has_fast_bf16() && request.note)
      request.note("this CPU has no bf16 products (" + core::effective_isa() + "): computing in f32");
    std::filesystem::create_directories(request.folder);
    const std::optional<std::int64_t> resumed = resume();
    recorder_.emplace(request.folder, resumed);
    recorder_->segment(
        step_, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
    if (!resumed) begin();
    start_ = Clock::now();
    first_step_ = step_;
  }

  CellResult run() {
    while (step_ < steps_) {
      const int stop = request_.stop != nullptr ? request_.stop->load() : 0;
      if (stop != 0) {
        if (stop == 1) checkpoint();
        return {Outcome::stopped, "stopped on request after step " + std::to_string(step_), valid_loss_,
                step_};
      }
      one_step();
    }
    checkpoint();
    recorder_->seal(request_.document.dump(), provenance(compute_of(training_), setup_.source->data_sha256(),
                                                         setup_.cell_id, request_.argv));
    return {Outcome::complete, {}, valid_loss_, step_};
  }

 private:
  bool due(const char* cadence) const {
    return step_ == steps_ || step_ % training_.at(cadence).get<std::int64_t>() == 0;
  }

  /// Restores checkpoint and journal when both are there and agree; the step they hold.
  std::optional<std::int64_t> resume() {
    const std::optional<CheckpointState> state = read_checkpoint(checkpoint_path(), learner_, setup_.cell_id);
    if (!state) return std::nullopt;
    const std::filesystem::path journal = Recorder::journal_path(request_.folder);
    std::int64_t recorded = -1;
    if (std::filesystem::exists(journal)) {
      for (const Json& row : core::Journal::read(journal).rows) {
        if (row.value("t", "") == "train") recorded = std::max(recorded, row.at("step").get<std::int64_t>());
        if (row.value("t", "") == "valid" && row.at("step").get<std::int64_t>() <= state->step)
          valid_loss_ = row.at("loss");
      }
    }
    if (recorded < state->step) {
      throw std::runtime_error(checkpoint_path().string() + ": is at step " + std::to_string(state->step) +
                               " but the journal beside it ends at step " + std::to_string(recorded) +
                               "; remove the folder to start the cell anew");
    }
    step_ = state->step;
    seconds_before_ = state->seconds;
    return step_;
  }

  void begin() {
    events();
    validate();
    measure();
  }

  void one_step() {
    setup_.source->train_batch(seed_, step_, learner_.train_inputs());
    const double loss = learner_.backward();
    if (!std::isfinite(loss))
      throw Diverged("the training loss is not finite after step " + std::to_string(step_));
    const std::vector<double> rates = learner_.learning_rates(step_, steps_);
    const double norm = learner_.update(step_, steps_);
    if (!std::isfinite(norm))
      throw Diverged("the gradient norm is not finite at step " + std::to_string(step_ + 1));
    ++step_;
    recorder_->train(step_, loss, rates, norm, step_ * setup_.targets_per_step, seconds());
    events();
    if (due("validate_every")) validate();
    if (due("spectra_every")) measure();
    if (due("checkpoint_every") && step_ < steps_) checkpoint();
    report(loss);
  }

  void events() {
    run_events(
        learner_, step_, [&] { setup_.source->valid_batch(0, learner_.probe_inputs()); },
        [&](const EventRow& row) { recorder_->event(row); });
  }

  void validate() {
    double sum = 0;
    const std::int64_t batches = setup_.source->valid_batches();
    for (std::int64_t i = 0; i < batches; ++i) {
      setup_.source->valid_batch(i, learner_.valid_inputs());
      sum += learner_.validate();
    }
    valid_loss_ = sum / static_cast<double>(batches);
    if (!std::isfinite(valid_loss_))
      throw Diverged("the validation loss is not finite after step " + std::to_string(step_));
    const double bytes = setup_.source->bytes_per_token();
    recorder_->valid(step_, valid_loss_, bytes > 0 ? valid_loss_ / (bytes * std::log(2.0)) : NAN);
  }

  void measure() { measure_weights(learner_, measures_, step_, *recorder_); }

  void checkpoint() {
    recorder_->sync();
    write_checkpoint(checkpoint_path(), learner_, {setup_.cell_id, step_, seconds()});
  }

  void report(double loss) const {
    if (!request_.progress) return;
    const double spent = seconds_since(start_), done = static_cast<double>(step_ - first_step_);
    request_.progress({step_, steps_, loss, valid_loss_,
                       done * static_cast<double>(setup_.targets_per_step) / spent,
                       spent / done * static_cast<double>(steps_ - step_)});
  }

  std::filesystem::path checkpoint_path() const { return request_.folder / "checkpoint.safetensors"; }
  double seconds() const { return seconds_before_ + seconds_since(start_); }

  const CellRequest& request_;
  Setup setup_;
  const Json& training_;
  std::int64_t steps_;
  std::uint64_t seed_;
  Learner learner_;
  analysis::MeasureSet measures_;
  std::optional<Recorder> recorder_;
  std::int64_t step_ = 0, first_step_ = 0;
  double valid_loss_ = NAN, seconds_before_ = 0;
  Clock::time_point start_ = Clock::now();
};

void write_failure(const std::filesystem::path& folder, const std::string& reason) {
  try {
    std::filesystem::create_directories(folder);
    core::DurableFile file(folder / "failed.json");
    file.write(Json{{"reason", reason}}.dump() + "\n");
    file.commit();
  } catch (const std::exception&) {
    // The folder itself may be what failed; the reason is in the result.
  }
}

}  // namespace

CellResult run_cell(const CellRequest& request) {
  try {
    CellRun run(request);
    std::filesystem::remove(request.folder / "failed.json");
    return run.run();
  } catch (const core::DocumentError&) {
    throw;
  } catch (const std::exception& e) {
    write_failure(request.folder, e.what());
    return {Outcome::failed, e.what(), NAN, 0};
  }
}

bool is_complete(const std::filesystem::path& folder, const std::string& cell_id) {
  const std::filesystem::path file = Recorder::run_path(folder);
  if (!std::filesystem::exists(file)) return false;
  try {
    const core::RunRecord record = core::read_run(file);
    const auto it = record.provenance.find("cell_id");
    return it != record.provenance.end() && it->second == cell_id;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace isorbit::experiments
