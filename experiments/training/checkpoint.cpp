#include "experiments/training/checkpoint.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/problem.hpp"
#include "core/record/tensor_file.hpp"
#include "core/record/unreadable.hpp"

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

core::Json json_of(const Owed& owed) {
  return {{"validation", owed.validation},
          {"measures", owed.measures},
          {"events", owed.events},
          {"batches", owed.batches},
          {"loss", owed.loss}};
}

/// Metadata that this program did not write.
struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::int64_t count_of(const core::Json& value) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0)
    throw Damaged("found " + core::shown(value) + "; expected an integer from 0");
  return value.get<std::int64_t>();
}

double seconds_of(const core::Json& value) {
  if (!value.is_number() || !(value.get<double>() >= 0))
    throw Damaged("found " + core::shown(value) + "; expected a number from 0");
  return value.get<double>();
}

/// Metadata holds objects of numbers; a deeper value would be walked through to no end when it is shown.
core::Json parsed(const std::string& text) {
  return core::Json::parse(text, [](int depth, core::Json::parse_event_t, core::Json&) {
    if (depth > 1) throw Damaged("found an object nested in another");
    return true;
  });
}

Owed owed_of(const core::TensorFile& file) {
  const auto it = file.metadata.find("owed");
  if (it == file.metadata.end()) return {};
  const core::Json owed = parsed(it->second);
  return {owed.at("validation").get<bool>(), owed.at("measures").get<bool>(), owed.at("events").get<bool>(),
          count_of(owed.at("batches")), owed.at("loss").get<double>()};
}

core::TensorView view(const std::string& name, const core::Tensor& tensor) {
  const auto type = tensor.type().dtype == core::DType::f32 ? core::StoredType::f32 : core::StoredType::i32;
  return {name, type, tensor.shape().dims(), std::as_bytes(tensor.bytes())};
}

/// What a file changes in a learner. All of it is checked before any of it is made, so that a learner that
/// refuses a file is as it was.
class Changes {
 public:
  Changes(const core::TensorFile& file, std::string path) : file_(file), path_(std::move(path)) {}

  void tensor(const std::string& name, const core::Tensor& into) {
    const core::StoredTensor& stored = file_.at(name);
    const core::TensorView wanted = view(name, into);
    if (stored.shape != wanted.shape || stored.data.size() != wanted.data.size())
      throw std::runtime_error(path_ + ": tensor \"" + name + "\" does not have the model's shape " +
                               into.shape().text());
    stored.expect(wanted.type);
    changes_.push_back([&stored, bytes = into.bytes()] {
      std::memcpy(bytes.data(), stored.data.data(), stored.data.size());
    });
  }

  void rates(Trained& t) {
    const core::Shape& shape = t.tensor->shape();
    const std::int64_t rows = shape.rank() == 0 ? 1 : shape[0];
    std::size_t wanted = static_cast<std::size_t>(rows);
    for (const auto& [name, factors] : rate_tensors(t)) {
      const core::StoredTensor* stored = file_.find(name);
      std::vector<float> values = stored == nullptr ? std::vector<float>() : stored->values<float>();
      if (stored != nullptr && values.size() != wanted)
        throw std::runtime_error(path_ + ": tensor \"" + name + "\" has " + std::to_string(values.size()) +
                                 " numbers; expected " + std::to_string(wanted));
      changes_.push_back([into = factors, values = std::move(values)] { *into = values; });
      wanted = static_cast<std::size_t>(shape.elements() / rows);
    }
    changes_.push_back([&t] { t.rates.refresh(rate_rule(t.group->update).exponent); });
  }

  void count(const core::Json& counts, const std::string& name, std::int64_t& into) {
    changes_.push_back([&into, value = count_of(counts.at(name))] { into = value; });
  }

  void make() const {
    for (const auto& change : changes_) change();
  }

 private:
  const core::TensorFile& file_;
  std::string path_;
  std::vector<std::function<void()>> changes_;
};

constexpr const char* kStateDigest = "state_sha256";

/// Of all other metadata: the digest of a tensor file is of its tensors alone.
std::string digest_of(std::map<std::string, std::string> metadata) {
  for (const char* own : {"sha256", kStateDigest}) metadata.erase(own);
  return core::sha256_hex(core::Json(metadata).dump(-1, ' ', false, core::Json::error_handler_t::replace));
}

CheckpointState restored(const core::TensorFile& file, const std::string& path, Learner& learner,
                         const std::string& cell_id) {
  const auto metadata = [&](const char* key) -> const std::string& {
    const auto it = file.metadata.find(key);
    if (it == file.metadata.end()) throw std::runtime_error(path + ": its metadata lacks \"" + key + "\"");
    return it->second;
  };
  if (const auto digest = file.metadata.find(kStateDigest);
      digest != file.metadata.end() && digest->second != digest_of(file.metadata))
    throw std::runtime_error(path + ": its metadata do not have the SHA-256 they were written with");
  if (metadata("cell_id") != cell_id)
    throw std::runtime_error(path + ": belongs to cell " + core::shown(core::Json(metadata("cell_id"))) +
                             ", not " + cell_id.substr(0, 8));
  Changes changes(file, path);
  for (const auto& [name, tensor] : learner.store().tensors()) changes.tensor(name, tensor);
  const core::Json ages = parsed(metadata("ages")), intervals = parsed(metadata("intervals")),
                   updates = parsed(metadata("updates"));
  for (Trained& t : learner.trained()) {
    for (std::size_t m = 0; m < t.moments.size(); ++m) changes.tensor(moment_name(t, m), t.moments[m]);
    changes.count(ages, t.name, t.age);
    changes.rates(t);
  }
  for (Parametrized& p : learner.parametrized()) {
    changes.count(intervals, p.name, p.interval);
    changes.count(updates, p.name, p.updates);
  }
  const CheckpointState state{cell_id,
                              count_of(parsed(metadata("step"))),
                              seconds_of(parsed(metadata("seconds"))),
                              owed_of(file),
                              {}};
  changes.make();
  for (Parametrized& p : learner.parametrized()) p.singular_values.clear();
  return state;
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
  std::map<std::string, std::string> metadata = {
      {"cell_id", state.cell_id},           {"document", state.document},
      {"step", std::to_string(state.step)}, {"seconds", core::Json(state.seconds).dump()},
      {"owed", json_of(state.owed).dump()}, {"ages", ages.dump()},
      {"intervals", intervals.dump()},      {"updates", updates.dump()}};
  metadata[kStateDigest] = digest_of(metadata);
  core::write_tensors(file, views, std::move(metadata));
}

std::optional<CheckpointState> read_checkpoint(const std::filesystem::path& path, Learner& learner,
                                               const std::string& cell_id) {
  if (!core::is_there(path)) return std::nullopt;
  const core::TensorFile file = core::read_tensors(path);
  const auto damaged = [&](const std::exception& e) {
    return std::runtime_error(path.string() + ": its metadata is damaged (" + e.what() + ")");
  };
  try {
    return restored(file, path.string(), learner, cell_id);
  } catch (const core::Json::exception& e) {
    throw damaged(e);
  } catch (const Damaged& e) {
    throw damaged(e);
  }
}

}  // namespace isorbit::experiments
