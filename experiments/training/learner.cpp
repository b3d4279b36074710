#include "experiments/training/learner.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "core/linalg/linalg.hpp"
#include "experiments/training/initialize.hpp"
#include "experiments/training/realizations.hpp"

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

}  // namespace

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
    core::Tensor& base = store_.add(value.name, value.type);
    initialize(base, value.name, p.init, seed);
    if (!word.word->coordinates) {
      trained_.push_back({value.name, value.name, &base, &group, {}, {}, {}, 0});
      continue;
    }
    if (word.word->initialize) word.word->initialize(word.fields, value.name, base, seed);
    Parametrized weight{value.name, &group, &base, {}, {}, 0, {}};
    for (const Coordinate& c : word.word->coordinates(word.fields, value.type.shape)) {
      const std::string name = value.name + "/" + c.name;
      core::Tensor& tensor = store_.add(name, c.type);
      weight.coordinates.push_back(&tensor);
      weight.coordinate_names.push_back(name);
      if (c.trainable) trained_.push_back({name, value.name, &tensor, &group, {}, {}, {}, 0});
    }
    word.word->start(word.fields, value.name, weight.coordinates, seed, 0);
    parametrized_.push_back(std::move(weight));
  }
  for (Trained& t : trained_) {
    for (const Word<Update>& word : t.group->update) {
      for (const Moment& moment : word.word->moments) {
        t.moments.emplace_back(t.tensor->type());
        t.moment_names.push_back(word.word->name + "." + moment.name);
        t.powers.push_back(moment.power);
      }
    }
  }
}

void Learner::compile_programs(const core::OpSet& ops) {
  core::CompileOptions options;
  options.realizations = realizations_;
  options.precision = compute_.precision;
  options.recompute = compute_.recompute;
  options.keep_outputs = {"loss"};
  for (const Trained& t : trained_) options.keep_outputs.push_back("gradient/" + t.name);
  const auto start = std::chrono::steady_clock::now();
  train_ = core::compile(model_.graph, ops, options, engine_, store_);
  compile_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  options.differentiate = false;
  options.keep_outputs = {"loss"};
  valid_ = core::compile(model_.graph, ops, options, engine_, store_);
  std::vector<std::span<const float>> gradients;
  for (const Trained& t : trained_) gradients.push_back(train_.output("gradient/" + t.name));
  updater_.emplace(trained_, std::move(gradients), engine_);
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
  train_.run();
  return train_.output("loss")[0];
}

double Learner::backward(const std::function<void(std::size_t step)>& before) {
  train_.run(before);
  return train_.output("loss")[0];
}

std::size_t Learner::planned_bytes() const {
  std::size_t bytes = train_.arena_bytes() + valid_.arena_bytes() + realization_.arena_bytes();
  for (const auto& [name, tensor] : store_.tensors()) bytes += tensor.bytes().size();
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
  return updater_->update(step, steps, method_.clip_norm);
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
  const core::Shape& shape = weight.base->shape();
  if (weight.singular_values.empty()) {
    weight.singular_values =
        core::singular_values(std::span<const float>(weight.base->values()),
                              static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1]));
  }
  double most = 0;
  for (std::size_t i = 0; i < now.size(); ++i)
    most = std::max(most, std::abs(now[i] - weight.singular_values[i]));
  const Word<Parametrization>& word = weight.group->parametrization;
  const std::vector<const core::Tensor*> coordinates(weight.coordinates.begin(), weight.coordinates.end());
  const double largest = weight.singular_values.front();
  return {largest > 0 ? most / largest : most,
          word.word->bound ? word.word->bound(word.fields, coordinates) : NAN};
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
  const core::Shape& shape = weight.base->shape();
  std::vector<double> now =
      core::singular_values(realized, static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1]));
  const Drift moved = drift(weight, now);
  std::ranges::copy(realized, weight.base->values().begin());
  weight.singular_values = std::move(now);
  const Word<Parametrization>& word = weight.group->parametrization;
  word.word->start(word.fields, weight.name, weight.coordinates, seed_, ++weight.interval);
  return moved;
}

std::vector<double> Learner::learning_rates(std::int64_t step, std::int64_t steps) const {
  std::vector<double> rates;
  for (const Group& group : method_.groups) {
    double rate = 1;
    for (const Word<Update>& word : group.update) {
      if (word.word->name == "learning_rate") rate *= number_at(word.fields.at("value"), step, steps);
    }
    rates.push_back(rate);
  }
  return rates;
}

}  // namespace isorbit::experiments
