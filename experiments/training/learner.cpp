#include "experiments/training/learner.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "core/linalg/linalg.hpp"
#include "experiments/training/initialize.hpp"

namespace isorbit::experiments {

namespace {

constexpr std::int64_t kChunk = 4096;  // of the gradient norm: fixed, so that threads never change its bits

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
                 int threads)
    : model_(model), method_(method), seed_(seed), engine_(threads) {
  core::use_one_blas_thread();
  collect(seed);
  compile_programs(ops);
  compile_realization(ops);
  choose_directions();
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
    realizations_[value.name] = [&word](core::Builder& builder, const core::Parameter& parameter,
                                        const core::Value& v) {
      core::Graph& graph = builder.graph();
      const core::Value weight_value = v;
      const core::ValueId base_id =
          graph.add_parameter(weight_value.name, weight_value.type, false, parameter.init);
      std::vector<core::ValueId> ids;
      for (const Coordinate& c : word.word->coordinates(word.fields, weight_value.type.shape)) {
        ids.push_back(
            graph.add_parameter(weight_value.name + "/" + c.name, c.type, c.trainable, {{"kind", "zeros"}}));
      }
      return word.word->realize(builder, word.fields, base_id, ids);
    };
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
  core::CompileOptions training{realizations_, true, {"loss"}, {}};
  for (const Trained& t : trained_) training.keep_outputs.push_back("gradient/" + t.name);
  train_ = core::compile(model_.graph, ops, training, engine_, store_);
  core::CompileOptions validation{realizations_, false, {"loss"}, {}};
  if (model_.graph.output("logits")) validation.keep_outputs.push_back("logits");
  valid_ = core::compile(model_.graph, ops, validation, engine_, store_);
  for (const Trained& t : trained_) gradients_.push_back(train_.output("gradient/" + t.name));
}

void Learner::compile_realization(const core::OpSet& ops) {
  if (parametrized_.empty()) return;
  core::Graph graph;
  for (const Parametrized& weight : parametrized_) {
    const core::Parameter& parameter = *model_.graph.parameter(weight.name);
    core::Builder builder(graph, ops, weight.name, parameter.pointer);
    const core::ValueId value =
        realizations_.at(weight.name)(builder, parameter, model_.graph.value(parameter.value));
    graph.outputs.push_back({weight.name, value});
  }
  realization_ = core::compile(std::move(graph), ops, {{}, false, {}, {}}, engine_, store_);
  has_realization_ = true;
}

/// Updates work in the gradient's own memory, unless that memory is also another output or a tensor that is
/// kept.
void Learner::choose_directions() {
  std::set<const float*> taken;
  for (const auto& [name, tensor] : store_.tensors()) {
    if (tensor.type().dtype == core::DType::f32) taken.insert(tensor.values().data());
  }
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    if (taken.insert(gradients_[i].data()).second) {
      directions_.push_back(gradients_[i]);
    } else {
      copies_.emplace_back(trained_[i].tensor->type());
      directions_.push_back(copies_.back().values());
    }
  }
}

BatchBuffers Learner::train_inputs() { return buffers(train_, model_); }
BatchBuffers Learner::valid_inputs() { return buffers(valid_, model_); }

double Learner::backward() {
  train_.run();
  return train_.output("loss")[0];
}

double Learner::validate() {
  valid_.run();
  return valid_.output("loss")[0];
}

std::vector<float> Learner::logits() {
  if (!valid_.has_output("logits")) return {};
  valid_.run();
  const std::span<float> values = valid_.output("logits");
  return {values.begin(), values.end()};
}

double Learner::gradient_norm() {
  double total = 0;
  for (const std::span<float> g : gradients_) {
    const auto n = static_cast<std::int64_t>(g.size());
    const std::int64_t chunks = (n + kChunk - 1) / kChunk;
    partial_sums_.assign(static_cast<std::size_t>(chunks), 0.0);
    engine_.parallel(chunks, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) {
        double sum = 0;
        for (std::int64_t i = c * kChunk; i < std::min(n, (c + 1) * kChunk); ++i) {
          sum += static_cast<double>(g[static_cast<std::size_t>(i)]) * g[static_cast<std::size_t>(i)];
        }
        partial_sums_[static_cast<std::size_t>(c)] = sum;
      }
    });
    for (const double partial : partial_sums_) total += partial;
  }
  return std::sqrt(total);
}

double Learner::update(std::int64_t step, std::int64_t steps) {
  const double norm = gradient_norm();
  const double factor = method_.clip_norm && norm > *method_.clip_norm ? *method_.clip_norm / norm : 1.0;
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    const std::span<float> from = gradients_[i], to = directions_[i];
    const auto scale = static_cast<float>(factor);
    if (factor != 1 || from.data() != to.data()) {
      engine_.parallel(static_cast<std::int64_t>(to.size()), 1 << 15,
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t k = begin; k < end; ++k) to.data()[k] = from.data()[k] * scale;
                       });
    }
  }
  for (std::size_t i = 0; i < trained_.size(); ++i) apply(trained_[i], directions_[i], step, steps);
  return norm;
}

void Learner::apply(Trained& trained, std::span<float> direction, std::int64_t step, std::int64_t steps) {
  ++trained.age;
  const std::span<float> tensor = trained.tensor->values();
  std::size_t first = 0;
  for (const Word<Update>& word : trained.group->update) {
    std::vector<std::span<float>> moments;
    for (std::size_t m = 0; m < word.word->moments.size(); ++m)
      moments.push_back(trained.moments[first + m].values());
    first += moments.size();
    word.word->apply(word.fields, {direction, tensor, moments, trained.tensor->shape(), trained.age, step,
                                   steps, engine_});
  }
  engine_.parallel(static_cast<std::int64_t>(tensor.size()), 1 << 15,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t k = begin; k < end; ++k) tensor.data()[k] -= direction.data()[k];
                   });
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
  std::vector<Drift> drifts;
  for (const std::string& name : weights) {
    Parametrized* weight = find_parametrized(name);
    if (weight == nullptr) throw std::invalid_argument("\"" + name + "\" has no parametrization to merge");
    const std::span<const float> realized = realization_.output(name);
    const core::Shape& shape = weight->base->shape();
    std::vector<double> now = core::singular_values(realized, static_cast<std::size_t>(shape[0]),
                                                    static_cast<std::size_t>(shape[1]));
    drifts.push_back(drift(*weight, now));
    std::ranges::copy(realized, weight->base->values().begin());
    weight->singular_values = std::move(now);
    const Word<Parametrization>& word = weight->group->parametrization;
    word.word->start(word.fields, name, weight->coordinates, seed_, ++weight->interval);
  }
  return drifts;
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
