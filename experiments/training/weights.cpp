#include "experiments/training/weights.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <stdexcept>

#include "core/record/unreadable.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/cell_weights.hpp"

namespace isorbit::experiments {
namespace {

constexpr const char* kProgram = "hugging_face";

bool is_file(const std::filesystem::path& path) {
  const auto status = core::status_of(path);
  return status && S_ISREG(status->st_mode);
}

std::string in_quotes(const std::string& name) { return core::shown(core::Json(name)); }

/// A file that PyTorch has pickled: a zip archive, or a bare pickle. A safetensors file whose length of the
/// header happens to look so has a brace behind it.
bool is_pickled(const std::filesystem::path& file) {
  if (!is_file(file)) return false;
  std::string start(9, '\0');
  std::ifstream(file, std::ios::binary).read(start.data(), static_cast<std::streamsize>(start.size()));
  if (start[8] == '{') return false;
  return start.starts_with("PK\x03\x04") || (start[0] == '\x80' && start[1] >= 2 && start[1] <= 5);
}

/// Throws where a file or folder has weights in a form that is not read, with how to write another.
void refuse_other_formats(const std::filesystem::path& path) {
  std::error_code error;
  const auto refuse = [&](const std::string& what, const std::string& option) {
    throw std::runtime_error(path.string() + ": its weights are " + what +
                             ", which is not read; model.save_pretrained(DIR, " + option +
                             ") writes a model.safetensors in Python");
  };
  const std::string index = "model.safetensors.index.json";
  if (path.filename() == index || std::filesystem::exists(path / index, error)) {
    std::set<std::string> parts;
    for (const auto& entry : std::filesystem::directory_iterator(
             path.filename() == index ? path.parent_path() / "." : path, error))
      if (entry.path().extension() == ".safetensors") parts.insert(entry.path().filename().string());
    std::string names;
    for (const std::string& part : parts) names += (names.empty() ? " (" : ", ") + part;
    refuse("in several files" + names + (names.empty() ? "" : ")"), "max_shard_size=\"1TB\"");
  }
  if (is_pickled(path) || is_pickled(path / "pytorch_model.bin"))
    refuse("pickled", "safe_serialization=True");
}

/// The index of an element: "[3, 0]".
std::string index_text(std::size_t at, const std::vector<std::int64_t>& shape) {
  std::string text;
  for (auto size = shape.rbegin(); size != shape.rend(); ++size) {
    const auto length = static_cast<std::size_t>(*size);
    text = std::to_string(at % length) + (text.empty() ? "" : ", ") + text;
    at /= length;
  }
  return "[" + text + "]";
}

void check_finite(const std::filesystem::path& file, const core::StoredTensor& tensor) {
  const std::vector<float> values = tensor.values<float>();
  const auto wrong = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (wrong == values.end()) return;
  const auto at = static_cast<std::size_t>(wrong - values.begin());
  const auto count = std::count_if(wrong, values.end(), [](float value) { return !std::isfinite(value); });
  throw std::runtime_error(file.string() + ": " + in_quotes(tensor.name) + " is " + std::to_string(*wrong) +
                           " at " + index_text(at, tensor.shape) +
                           (count > 1 ? " and not finite at " + std::to_string(count - 1) + " more" : "") +
                           "; expected finite numbers");
}

core::TensorFile read_weights(const std::filesystem::path& file, const core::Document& model_document,
                              const core::Model& model, const Note& note) {
  core::TensorFile stored = core::read_tensors(file);
  if (stored.metadata.contains("intervals")) return read_checkpoint_weights(file).weights;
  const std::vector<std::string> programs = foreign_programs(model_document);
  if (std::ranges::find(programs, kProgram) == programs.end()) return stored;
  const ForeignTable table = read_foreign_table(model_document, model, kProgram);
  return is_foreign(stored, table) ? read_hugging_face(file, table, note) : std::move(stored);
}

}  // namespace

std::filesystem::path weights_path(const std::filesystem::path& cell_folder) {
  return cell_folder / "weights.safetensors";
}

void write_weights(const std::filesystem::path& file, Learner& learner, const std::string& cell_id,
                   std::int64_t step) {
  const core::TensorFile realized = realized_weights(learner);
  std::vector<core::TensorView> views;
  for (const core::StoredTensor& t : realized.tensors) views.push_back({t.name, t.type, t.shape, t.data});
  core::write_tensors(file, views, {{"cell_id", cell_id}, {"step", std::to_string(step)}});
}

std::filesystem::path weights_file(const std::filesystem::path& path) {
  if (is_file(path) && !is_pickled(path) && path.extension() != ".json") return path;
  for (const char* name : {"weights.safetensors", "model.safetensors", "checkpoint.safetensors"})
    if (is_file(path / name)) return path / name;
  if (const auto checkpoint = newest_file(path, "checkpoint.safetensors")) return *checkpoint;
  refuse_other_formats(path);
  if (is_file(path)) return path;
  throw std::runtime_error(std::filesystem::is_directory(path)
                               ? path.string() +
                                     ": is a folder without weights.safetensors, model.safetensors "
                                     "and checkpoint.safetensors"
                               : "there is no file " + path.string());
}

core::TensorFile load_weights(const std::filesystem::path& path, const core::Document& model_document,
                              const core::Model& model, const Note& note) {
  const std::filesystem::path file = weights_file(path);
  core::TensorFile weights = read_weights(file, model_document, model, note);
  WeightShapes shapes;
  for (const core::StoredTensor& stored : weights.tensors) {
    stored.expect(core::StoredType::f32);
    shapes.emplace(stored.name, core::Shape(stored.shape));
  }
  if (const std::string misfit = misfit_of(shapes_of(model), shapes); !misfit.empty())
    throw std::runtime_error(file.string() + ": " + misfit);
  for (const core::StoredTensor& stored : weights.tensors) check_finite(file, stored);
  return weights;
}

WeightShapes shapes_of(const core::Model& model) {
  WeightShapes shapes;
  for (const core::Parameter& p : model.graph.parameters) {
    const core::Value& value = model.graph.value(p.value);
    shapes.emplace(value.name, value.type.shape);
  }
  return shapes;
}

std::string misfit_of(const WeightShapes& model, const WeightShapes& weights) {
  constexpr std::size_t kMost = 3;
  std::string text;
  std::size_t count = 0;
  const auto add = [&](const std::string& sentence) {
    if (++count <= kMost) text += (text.empty() ? "" : "; ") + sentence;
  };
  std::vector<std::string> names;
  for (const auto& [name, shape] : model) {
    names.push_back(name);
    const auto given = weights.find(name);
    if (given == weights.end())
      add("there is no tensor " + in_quotes(name));
    else if (given->second != shape)
      add(in_quotes(name) + " is " + given->second.text() + " where the model's is " + shape.text());
  }
  for (const auto& [name, shape] : weights) {
    if (model.contains(name)) continue;
    const auto near = core::nearest(name, names);
    add(in_quotes(name) + " is no parameter of the model" + (near ? " (" + in_quotes(*near) + " is)" : ""));
  }
  if (count > kMost) text += "; and " + std::to_string(count - kMost) + " more";
  return text;
}

void check_given_weights(const Method& method, const core::Model& model, const core::Document& document,
                         core::Problems& problems) {
  std::set<std::size_t> said;
  for (const core::Parameter& p : model.graph.parameters) {
    const auto group = method.group_of(model.graph.value(p.value).name);
    if (!group || !said.insert(*group).second) continue;
    const Word<Parametrization>& word = method.groups[*group].parametrization;
    if (!word.word->redraws) continue;
    if (const auto misfit = word.word->redraws(word.fields))
      problems.add(document, core::pointer_join(word.at, misfit->field), misfit->found, misfit->expected,
                   misfit->because, misfit->suggestion);
  }
}

void start_from(Learner& learner, const core::TensorFile& weights) {
  for (const std::string& name : learner.weights()) {
    const std::vector<float> values = weights.at(name).values<float>();
    if (Parametrized* parametrized = learner.find_parametrized(name)) {
      parametrized->store(values);
      parametrized->singular_values.clear();
    } else {
      std::ranges::copy(values, learner.store().at(name).values().begin());
    }
  }
}

}  // namespace isorbit::experiments
