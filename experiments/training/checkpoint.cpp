#include "experiments/training/checkpoint.hpp"

#include <array>
#include <cstring>
#include <stdexcept>

#include "core/record/tensor_file.hpp"

namespace isorbit::experiments {

namespace {

std::string moment_name(const Trained& trained, std::size_t m) {
  return "moment/" + trained.name + "/" + trained.moment_names[m] + "." + std::to_string(m);
}

/// The factors that a tensor's rates stand for.
template <class T>
auto rate_tensors(T& trained) {
  const std::string name = "rate/" + trained.name;
  return std::array{std::pair(name + "/rows", &trained.rates.rows),
                    std::pair(name + "/columns", &trained.rates.columns)};
}

core::TensorView view(const std::string& name, const core::Tensor& tensor) {
  const auto type = tensor.type().dtype == core::DType::f32 ? core::StoredType::f32 : core::StoredType::i32;
  return {name, type, tensor.shape().dims(), std::as_bytes(tensor.bytes())};
}

void restore(const core::TensorFile& file, const std::string& name, const core::Tensor& into,
             const std::string& path) {
  const core::StoredTensor& stored = file.at(name);
  if (stored.shape != into.shape().dims() || stored.data.size() != into.bytes().size()) {
    throw std::runtime_error(path + ": tensor \"" + name + "\" does not have the model's shape " +
                             into.shape().text());
  }
  std::memcpy(into.bytes().data(), stored.data.data(), stored.data.size());
}

}  // namespace

void write_checkpoint(const std::filesystem::path& file, Learner& learner, const CheckpointState& state) {
  std::vector<core::TensorView> views;
  for (const auto& [name, tensor] : learner.store().tensors()) views.push_back(view(name, tensor));
  core::Json ages = core::Json::object(), intervals = core::Json::object(), updates = core::Json::object();
  for (const Trained& t : learner.trained()) {
    for (std::size_t m = 0; m < t.moments.size(); ++m) views.push_back(view(moment_name(t, m), t.moments[m]));
    for (const auto& [name, factors] : rate_tensors(t))
      if (!factors->empty())
        views.push_back(
            core::view_of<float>(name, {static_cast<std::int64_t>(factors->size())}, std::span(*factors)));
    ages[t.name] = t.age;
  }
  for (const Parametrized& p : learner.parametrized()) {
    intervals[p.name] = p.interval;
    updates[p.name] = p.updates;
  }
  core::write_tensors(file, views,
                      {{"cell_id", state.cell_id},
                       {"document", state.document},
                       {"step", std::to_string(state.step)},
                       {"seconds", core::Json(state.seconds).dump()},
                       {"ages", ages.dump()},
                       {"intervals", intervals.dump()},
                       {"updates", updates.dump()}});
}

std::optional<CheckpointState> read_checkpoint(const std::filesystem::path& path, Learner& learner,
                                               const std::string& cell_id) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const core::TensorFile file = core::read_tensors(path);
  const auto metadata = [&](const char* key) -> const std::string& {
    const auto it = file.metadata.find(key);
    if (it == file.metadata.end())
      throw std::runtime_error(path.string() + ": its metadata lacks \"" + key + "\"");
    return it->second;
  };
  if (metadata("cell_id") != cell_id) {
    throw std::runtime_error(path.string() + ": belongs to cell " + metadata("cell_id").substr(0, 8) +
                             ", not " + cell_id.substr(0, 8));
  }
  for (const auto& [name, tensor] : learner.store().tensors()) restore(file, name, tensor, path.string());
  try {
    const core::Json ages = core::Json::parse(metadata("ages")),
                     intervals = core::Json::parse(metadata("intervals")),
                     updates = core::Json::parse(metadata("updates"));
    for (Trained& t : learner.trained()) {
      for (std::size_t m = 0; m < t.moments.size(); ++m)
        restore(file, moment_name(t, m), t.moments[m], path.string());
      t.age = ages.at(t.name).get<std::int64_t>();
      for (const auto& [name, factors] : rate_tensors(t)) {
        const core::StoredTensor* stored = file.find(name);
        *factors = stored == nullptr ? std::vector<float>() : stored->values<float>();
      }
      t.rates.refresh(rate_rule(t.group->update).exponent);
    }
    for (Parametrized& p : learner.parametrized()) {
      p.interval = intervals.at(p.name).get<std::int64_t>();
      p.updates = updates.at(p.name).get<std::int64_t>();
      p.singular_values.clear();
    }
    return CheckpointState{cell_id,
                           core::Json::parse(metadata("step")).get<std::int64_t>(),
                           core::Json::parse(metadata("seconds")).get<double>(),
                           {}};
  } catch (const core::Json::exception& e) {
    throw std::runtime_error(path.string() + ": its metadata is damaged (" + e.what() + ")");
  }
}

}  // namespace isorbit::experiments
