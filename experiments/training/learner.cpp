#include "experiments/training/learner.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/linalg/linalg.hpp"
#include "core/runtime/final_outputs.hpp"
#include "experiments/timing/stopwatch.hpp"
#include "experiments/training/initialize.hpp"
#include "experiments/training/realizations.hpp"
#include "experiments/updates/learning_rate.hpp"

namespace isorbit::experiments {

namespace {

BatchBuffers buffers(core::Program& program, const core::Model& model) {
  BatchBuffers out;
  for (const core::ModelInput& input : model.inputs) {
    if (input.type.dtype == core::DType::s32) {
      out.emplace(input.name, program.input_indices(input.name));
    } else {
      out.emplace(input.name, program.input(input.name));
    }
  }
  return out;
}

std::vector<double> spectrum(const Parametrized& weight, std::span<const float> values) {
  return core::singular_values(values, static_cast<std::size_t>(weight.shape[0]),
                               static_cast<std::size_t>(weight.shape[1]));
}

/// The largest move of a singular value, relative to the largest one before.
double relative_move(std::span<const double> before, std::span<const double> now) {
  double most = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const double moved = std::abs(now[i] - before[i]);
    if (!(moved <= most)) most = moved;
  }
  return before.front() > 0 ? most / before.front() : most;
}

/// Takes into a merge's drift what storing the weight has rounded: E = stored - realized moves no singular
/// value by more than the Frobenius norm of E.
void add_rounding(Parametrized& weight, std::span<const float> realized, std::span<const double> before,
                  Learner::Drift& drift) {
  const std::vector<float> stored = weight.load();
  double squares = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const double e = static_cast<double>(stored[i]) - static_cast<double>(realized[i]);
    squares += e * e;
  }
  if (squares == 0) return;
  const std::vector<double> rotated = std::move(weight.singular_values);
  weight.singular_values = spectrum(weight, stored);
  drift.rounding_defect = relative_move(rotated, weight.singular_values);
  drift.rounding_bound = std::sqrt(squares) / rotated.front();
  drift.defect = relative_move(before, weight.singular_values);
  drift.bound += std::sqrt(squares) / before.front();
}

}  // namespace

std::vector<const core::Tensor*> Parametrized::read_coordinates() const {
  return {coordinates.begin(), coordinates.end()};
}

std::vector<float> Parametrized::load() const {
  std::vector<float> weight(static_cast<std::size_t>(shape.elements()));
  const Word<Parametrization>& word = group->parametrization;
  if (word.word->load) {
    word.word->load(word.fields, *base, read_coordinates(), weight);
  } else {
    std::ranges::copy(base->values(), weight.begin());
  }
  return weight;
}

void Parametrized::store(std::span<const float> weight) {
  const Word<Parametrization>& word = group->parametrization;
  if (word.word->store) {
    word.word->store(word.fields, weight, *base, coordinates);
  } else {
    std::ranges::copy(weight, base->values().begin());
  }
}

Learner::Learner(const core::Model& model, const Method& method, const core::OpSet& ops, std::uint64_t seed,
                 const Compute& compute)
    : model_(model), method_(method), ops_(ops), seed_(seed), compute_(compute), engine_(compute.threads) {
  core::use_one_blas_thread();
  collect(seed);
  realizations_ = realizations(method_, model_, ops, compute_.precision).rewrites;
  compile_programs(ops);
  compile_realization(ops);
}

void Learner::collect(std::uint64_t seed) {
  for (const core::Parameter& p : model_.graph.parameters) {
    const core::Value& value = model_.graph.value(p.value);
    weights_.push_back(value.name);
    const Group& group = method_.groups.at(method_.group_of(value.name).value());
    const Word<Parametrization>& word = group.parametrization;
    if (word.word->coordinates) {
      parametrize(p, group, seed);
      continue;
    }
    core::Tensor& base = store_.add(value.name, value.type);
    initialize(base, value.name, p.init, seed);
    if (!group.update.empty()) trained_.push_back({value.name, value.name, &base, &group, {}, {}, {}, 0});
  }
  for (Trained& t : trained_) {
    for (const Word<Update>& word : t.group->update) {
      for (const Moment& moment : moments_of(*word.word, word.fields, t.tensor->shape())) {
        t.moments.push_back(core::Tensor({moment.shape.value_or(t.tensor->shape()), core::DType::f32}));
        t.moment_names.push_back(word.word->name + "." + moment.name);
        t.powers.push_back(moment.power);
      }
    }
  }
}

void Learner::parametrize(const core::Parameter& parameter, const Group& group, std::uint64_t seed) {
  const core::Value& value = model_.graph.value(parameter.value);
  const Word<Parametrization>& word = group.parametrization;
  core::Tensor drawn(value.type);
  initialize(drawn, value.name, parameter.init, seed);
  if (word.word->initialize) word.word->initialize(word.fields, value.name, drawn, seed);
  core::Tensor& base = store_.add(value.name, word.word->base_type(word.fields, value.type));
  Parametrized weight{value.name, &group, value.type.shape, &base, {}, {}, 0, 0, {}};
  for (const Coordinate& c : word.word->coordinates(word.fields, value.type.shape)) {
    const std::string name = value.name + "/" + c.name;
    core::Tensor& tensor = store_.add(name, c.type);
    weight.coordinates.push_back(&tensor);
    weight.coordinate_names.push_back(name);
    if (c.trainable) trained_.push_back({name, value.name, &tensor, &group, {}, {}, {}, 0});
  }
  word.word->start(word.fields, value.name, weight.coordinates, seed, 0);
  weight.store(drawn.values());
  parametrized_.push_back(std::move(weight));
}

void Learner::compile_programs(const core::OpSet& ops) {
  core::CompileOptions options;
  options.realizations = realizations_;
  options.precision = compute_.precision;
  options.recompute = compute_.recompute;
  options.keep_outputs = {"loss"};
  for (const Trained& t : trained_) options.keep_outputs.push_back("gradient/" + t.name);
  const Stopwatch watch;
  train_ = core::compile(model_.graph, ops, options, engine_, store_);
  compile_seconds_ = watch.seconds();
  options.differentiate = false;
  options.keep_outputs = {"loss"};
  valid_ = core::compile(model_.graph, ops, options, engine_, store_);
  if (compute_.accumulate > 1) mean_.emplace(gradients(), compute_.accumulate, engine_);
  updater_.emplace(trained_, gradients(), engine_);
}

std::vector<std::span<const float>> Learner::gradients() {
  if (mean_) return mean_->values();
  std::vector<std::span<const float>> out;
  for (const Trained& t : trained_) out.push_back(train_.output("gradient/" + t.name));
  return out;
}

void Learner::share_gradients(Communicator& ranks, bool overlap) {
  std::vector<std::string> names;
  for (const Trained& t : trained_) names.push_back("gradient/" + t.name);
  const std::vector<std::size_t> finals = core::final_before(train_, names);
  const std::vector<std::span<const float>> own = gradients();
  std::vector<GradientReducer::Source> sources;
  for (std::size_t i = 0; i < own.size(); ++i) sources.push_back({own[i], finals[i]});
  reducer_.emplace(ranks, std::move(sources));
  overlap_ = overlap && !mean_;
  updater_.emplace(trained_, reducer_->values(), engine_);
}

void Learner::compile_realization(const core::OpSet& ops) {
  if (parametrized_.empty()) return;
  core::Graph graph;
  for (const Parametrized& weight : parametrized_) {
    const core::Parameter& parameter = *model_.graph.parameter(weight.name);
    core::Builder builder(graph, ops, weight.name, parameter.pointer);
    const core::ValueId value =
        realizations_.at(weight.name).weight(builder, parameter, model_.graph.value(parameter.value));
    graph.outputs.push_back({weight.name, value});
  }
  realization_ = core::compile(std::move(graph), ops, {.differentiate = false}, engine_, store_);
  has_realization_ = true;
}

BatchBuffers Learner::train_inputs() { return buffers(train_, model_); }
BatchBuffers Learner::valid_inputs() { return buffers(valid_, model_); }
BatchBuffers Learner::probe_inputs() { return buffers(probe(), model_); }

core::Program& Learner::probe() {
  if (!probe_) {
    core::CompileOptions options;
    options.realizations = realizations_;
    options.differentiate = false;
    options.keep_outputs = {model_.graph.output("logits") ? "logits" : "loss"};
    probe_ = core::compile(model_.graph, ops_, options, engine_, store_);
  }
  return *probe_;
}

double Learner::backward() {
  if (reducer_ && overlap_)
    train_.run([this](std::size_t step) { reducer_->reached(step); });
  else
    train_.run();
  return take_in();
}

double Learner::backward(const std::function<void(std::size_t step)>& before) {
  train_.run(before);
  return take_in();
}

double Learner::take_in() {
  if (mean_) mean_->add();
  if (reducer_ && (!mean_ || mean_->is_whole())) held_up_ = reducer_->finish();
  return train_.output("loss")[0];
}

std::size_t Learner::stored_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : store_.tensors()) bytes += tensor.bytes().size();
  return bytes;
}

std::size_t Learner::planned_bytes() const {
  std::size_t bytes =
      train_.arena_bytes() + valid_.arena_bytes() + realization_.arena_bytes() + stored_bytes();
  if (probe_) bytes += probe_->arena_bytes();
  if (mean_) bytes += mean_->bytes();
  if (reducer_) bytes += reducer_->bytes();
  for (const Trained& trained : trained_) {
    for (const core::Tensor& moment : trained.moments) bytes += moment.bytes().size();
  }
  return bytes;
}

double Learner::validate() {
  valid_.run();
  return valid_.output("loss")[0];
}

std::vector<float> Learner::logits() {
  if (!probe().has_output("logits")) return {};
  probe_->run();
  const std::span<float> values = probe_->output("logits");
  return {values.begin(), values.end()};
}

double Learner::update(std::int64_t step, std::int64_t steps) {
  if (mean_ && !mean_->is_whole()) throw std::logic_error("an update in the middle of its batches");
  std::optional<double> limit;
  if (method_.clip_norm) limit = method_.clip_norm->limit(step, updates_since_merge());
  for (Parametrized& weight : parametrized_) ++weight.updates;
  return updater_->update(step, steps, limit);
}

std::optional<std::int64_t> Learner::updates_since_merge() const {
  std::optional<std::int64_t> since;
  for (const Parametrized& weight : parametrized_)
    if (weight.interval > 0) since = std::min(since.value_or(weight.updates), weight.updates);
  return since;
}

core::Symmetries& Learner::symmetries() {
  if (!symmetries_) symmetries_ = core::symmetries(model_.graph);
  return *symmetries_;
}

Parametrized* Learner::find_parametrized(const std::string& weight) {
  const auto it = std::find_if(parametrized_.begin(), parametrized_.end(),
                               [&](const Parametrized& p) { return p.name == weight; });
  return it == parametrized_.end() ? nullptr : &*it;
}

void Learner::realize() {
  if (has_realization_) realization_.run();
}

std::span<const float> Learner::realized(const std::string& weight) {
  return find_parametrized(weight) == nullptr ? store_.at(weight).values() : realization_.output(weight);
}

Learner::Drift Learner::drift(Parametrized& weight, std::span<const double> now) {
  if (weight.singular_values.empty()) weight.singular_values = spectrum(weight, weight.load());
  const Word<Parametrization>& word = weight.group->parametrization;
  return {relative_move(weight.singular_values, now),
          word.word->bound ? word.word->bound(word.fields, weight.read_coordinates()) : NAN};
}

std::vector<Learner::Drift> Learner::merge(std::span<const std::string> weights) {
  realize();
  std::vector<Parametrized*> merged;
  for (const std::string& name : weights) {
    merged.push_back(find_parametrized(name));
    if (merged.back() == nullptr)
      throw std::invalid_argument("\"" + name + "\" has no parametrization to merge");
  }
  std::vector<Drift> drifts(merged.size());
  engine_.parallel(static_cast<std::int64_t>(merged.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      drifts[static_cast<std::size_t>(i)] = merge(*merged[static_cast<std::size_t>(i)]);
  });
  return drifts;
}

Learner::Drift Learner::merge(Parametrized& weight) {
  const std::span<const float> realized = realization_.output(weight.name);
  std::vector<double> now = spectrum(weight, realized);
  Drift moved = drift(weight, now);
  const std::vector<double> before = std::move(weight.singular_values);
  const Word<Parametrization>& word = weight.group->parametrization;
  if (word.word->finish) word.word->finish(word.fields, weight.coordinates, weight.updates);
  word.word->start(word.fields, weight.name, weight.coordinates, seed_, ++weight.interval);
  weight.updates = 0;
  weight.store(realized);
  weight.singular_values = std::move(now);
  if (weight.base->type().dtype != core::DType::f32) add_rounding(weight, realized, before, moved);
  return moved;
}

std::vector<double> Learner::learning_rates(std::int64_t step, std::int64_t steps) const {
  std::vector<double> rates;
  for (const Group& group : method_.groups) {
    const auto of = std::ranges::find(trained_, &group, &Trained::group);
    double rate = of == trained_.end() ? 0 : 1;
    for (const Word<Update>& word : group.update) {
      if (word.word->name == "learning_rate" && of != trained_.end())
        rate *= updates::learning_rate_at(word.fields, {of->age + 1, step, steps});
    }
    rates.push_back(rate);
  }
  return rates;
}

}  // namespace isorbit::experiments
