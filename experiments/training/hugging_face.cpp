#include "experiments/training/hugging_face.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "core/passes/name_glob.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/tensor_types.hpp"
#include "experiments/training/foreign_config.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;
using core::StoredTensor;
using core::TensorFile;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kConfig = "config.json";

/// out [cols, rows] <- in [rows, cols].
std::vector<float> transposed(const std::vector<float>& in, std::size_t rows, std::size_t cols) {
  std::vector<float> out(in.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c) out[c * rows + r] = in[r * cols + c];
  return out;
}

std::vector<float> joined(const ForeignTensor& tensor, const TensorFile& weights) {
  std::vector<float> all;
  for (const auto& [name, shape] : tensor.ours) {
    const std::vector<float> part = weights.at(name).values<float>();
    all.insert(all.end(), part.begin(), part.end());
  }
  if (static_cast<std::int64_t>(all.size()) != tensor.shape.elements())
    throw std::runtime_error("tensor \"" + tensor.theirs + "\": found " + std::to_string(all.size()) +
                             " numbers; expected " + tensor.shape.text());
  if (!tensor.transposed) return all;
  return transposed(all, static_cast<std::size_t>(tensor.shape[1]),
                    static_cast<std::size_t>(tensor.shape[0]));
}

StoredTensor stored(const std::string& name, std::vector<std::int64_t> shape, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {name, core::StoredType::f32, std::move(shape), {bytes.begin(), bytes.end()}};
}

/// Names there are, kinds that can be widened, shapes that fit: what is wrong, a line each.
class Check {
 public:
  Check(std::string where, const ForeignTable& table) : where_(std::move(where)), table_(table) {}

  void tensors(const TensorFile& file) {
    std::set<std::string> known;
    for (const ForeignTensor& wanted : table_.tensors) {
      known.insert(wanted.theirs);
      tensor(wanted, file);
    }
    for (const auto& [name, same] : table_.copies) {
      known.insert(name);
      copy(file.find(name), file.find(same), same);
    }
    for (const StoredTensor& found : file.tensors) {
      const bool ignored = std::ranges::any_of(
          table_.ignored, [&](const std::string& glob) { return core::matches(glob, found.name); });
      if (known.contains(found.name) || ignored) continue;
      const std::vector<std::string> names(known.begin(), known.end());
      const auto near = core::nearest(found.name, names);
      say("tensor \"" + found.name + "\": found a name the model has no weight for; expected one of its " +
          std::to_string(names.size()) + (near ? "; did you mean \"" + *near + "\"?" : ""));
    }
  }

  void config(const Json& theirs) {
    for (const std::string& misfit : misfits_of_config(theirs, table_))
      say(std::string(kConfig) + ": " + misfit);
  }

  void throw_if_any() const {
    if (!text_.empty())
      throw std::runtime_error(text_ + (more_ == 0 ? "" : "\n" + std::to_string(more_) + " more"));
  }

 private:
  static constexpr int kMostLines = 20;

  void tensor(const ForeignTensor& wanted, const TensorFile& file) {
    const std::string expected = "F32 of shape " + core::tensor_shape_text(wanted.shape.dims()) + " for \"" +
                                 wanted.ours.front().name +
                                 (wanted.ours.size() > 1 ? "\" and its kin" : "\"");
    const StoredTensor* found = file.find(wanted.theirs);
    if (found == nullptr) {
      say("tensor \"" + wanted.theirs + "\": found none; expected " + expected);
      return;
    }
    const bool number = found->type == core::StoredType::f32 || found->type == core::StoredType::f16 ||
                        found->type == core::StoredType::bf16;
    if (!number || found->shape != wanted.shape.dims())
      say("tensor \"" + wanted.theirs + "\": found " + std::string(core::name_of(found->type)) +
          " of shape " + core::tensor_shape_text(found->shape) + "; expected " + expected);
  }

  void copy(const StoredTensor* found, const StoredTensor* original, const std::string& name) {
    if (found == nullptr || original == nullptr) return;
    if (found->shape == original->shape && found->type == original->type && found->data == original->data)
      return;
    say("tensor \"" + found->name + "\": found other numbers than in \"" + name +
        "\"; expected the same, or none, as the model has one weight for both");
  }

  void say(const std::string& what) {
    if (++lines_ > kMostLines)
      ++more_;
    else
      text_ += (text_.empty() ? "" : "\n") + where_ + ": " + what;
  }

  std::string where_;
  const ForeignTable& table_;
  std::string text_;
  int lines_ = 0, more_ = 0;
};

/// The file of tensors; of a folder the one in it.
std::filesystem::path weights_in(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return path;
  if (std::filesystem::exists(path / "model.safetensors.index.json"))
    throw std::runtime_error(path.string() + ": found a checkpoint in several files; expected one " +
                             kWeights);
  return path / kWeights;
}

/// The parts of a tensor: in our layout, runs of rows one after another.
void split(const ForeignTensor& tensor, std::vector<float> values, TensorFile& out) {
  if (tensor.transposed)
    values = transposed(values, static_cast<std::size_t>(tensor.shape[0]),
                        static_cast<std::size_t>(tensor.shape[1]));
  std::span<const float> rest = values;
  for (const auto& [name, shape] : tensor.ours) {
    const auto count = static_cast<std::size_t>(shape.elements());
    out.tensors.push_back(stored(name, shape.dims(), rest.first(count)));
    rest = rest.subspan(count);
  }
}

}  // namespace

void write_hugging_face(const std::filesystem::path& folder, const ForeignTable& table,
                        const TensorFile& weights) {
  std::vector<std::vector<float>> values;
  for (const ForeignTensor& tensor : table.tensors) values.push_back(joined(tensor, weights));
  std::vector<core::TensorView> views;
  for (std::size_t i = 0; i < values.size(); ++i)
    views.push_back(core::view_of<float>(table.tensors[i].theirs, table.tensors[i].shape.dims(), values[i]));
  std::filesystem::create_directories(folder);
  core::write_tensors(core::file_to_replace(folder / kWeights), views, {{"format", "pt"}});
  core::write_durably(core::file_to_replace(folder / kConfig), table.config.dump(2) + "\n");
}

TensorFile read_hugging_face(const std::filesystem::path& path, const ForeignTable& table, const Note& note) {
  const std::filesystem::path file = weights_in(path);
  const TensorFile theirs = core::read_tensors(file);
  Check check(file.string(), table);
  check.tensors(theirs);
  if (const auto config = file.parent_path() / kConfig; std::filesystem::exists(config))
    check.config(core::read_document(config).root);
  else if (note)
    note(file.string() + ": no " + kConfig +
         " is beside it, so that heads, positions and norms are taken to be the model's");
  check.throw_if_any();
  TensorFile out;
  std::map<std::string, int> widened;
  for (const ForeignTensor& tensor : table.tensors) {
    const StoredTensor& found = theirs.at(tensor.theirs);
    if (found.type != core::StoredType::f32) ++widened[std::string(core::name_of(found.type))];
    split(tensor, core::widened(found), out);
  }
  if (note)
    for (const auto& [type, count] : widened)
      note(file.string() + ": " + std::to_string(count) + " tensors of " + type + " were widened to F32");
  return out;
}

bool is_foreign(const TensorFile& file, const ForeignTable& table) {
  return std::ranges::any_of(table.tensors, [&](const ForeignTensor& tensor) {
    return file.find(tensor.theirs) != nullptr &&
           std::ranges::none_of(tensor.ours,
                                [&](const ForeignTensor::Part& part) { return part.name == tensor.theirs; });
  });
}

}  // namespace isorbit::experiments
