#include "experiments/sweep/sweep.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "experiments/sweep/axis_values.hpp"
#include "experiments/sweep/controls.hpp"
#include "experiments/sweep/document_kind.hpp"
#include "experiments/sweep/elsewhere.hpp"
#include "experiments/sweep/labels.hpp"
#include "experiments/sweep/make_cells.hpp"
#include "experiments/sweep/meant_file.hpp"
#include "experiments/sweep/missing_corpus.hpp"
#include "experiments/sweep/overrides.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/rows.hpp"
#include "experiments/sweep/sweep_folder.hpp"

namespace isorbit::experiments {
namespace {

using core::Document;
using core::Json;
using core::pointer_join;
using core::shown;

class Reader {
 public:
  explicit Reader(const SweepRequest& request)
      : request_(request),
        document_(request.document ? *request.document
                                   : read_document_of(DocumentKind::sweep, request.file)) {}

  Sweep read() {
    try {
      return read_checked();
    } catch (const core::DocumentError& error) {
      std::vector<core::Problem> problems = relabelled(error.problems(), document_.file, overrides_);
      suggest_elsewhere(problems, document_, models_, methods_);
      throw core::DocumentError(std::move(problems));
    }
  }

 private:
  Sweep read_checked() {
    overrides_ = apply_overrides(document_.root, request_, problems_);
    resolved_ = core::resolve(document_.root, sweep_spec(), {&document_, "", nullptr}, problems_);
    load_all();
    check_names();
    if (!problems_.empty() || !model_) fail();
    add_control_arms();
    if (!problems_.empty()) fail();
    SweepSources sources(document_, resolved_, *model_);
    for (const std::shared_ptr<Document>& model : models_) sources.models.push_back(model.get());
    for (const std::shared_ptr<Document>& method : methods_) sources.methods.push_back(method.get());
    check_axes(sources, problems_);
    check_size("/model/size", resolved_.at("model"), *model_);
    std::size_t arm = 0;
    for (const auto& [name, fields] : resolved_.at("arms").items()) {
      const Document& model = *models_[arm++];
      if (!fields.contains("x-control-of"))
        check_size(pointer_join("/arms", name) + "/model/size", fields.at("model"), model);
    }
    if (!problems_.empty()) fail();
    settle_values(resolved_);
    Expansion expansion = expand(sources, problems_);
    if (!problems_.empty()) fail();
    return resolve_all(sources, std::move(expansion));
  }

  std::shared_ptr<Document> load(const std::string& pointer, const Json& name, DocumentKind of) {
    const std::string kind = of == DocumentKind::model ? "model" : "method";
    if (!name.is_string() || name.get_ref<const std::string&>().empty()) return nullptr;
    const std::filesystem::path file =
        (std::filesystem::path(document_.file).parent_path() / name.get<std::string>()).lexically_normal();
    if (const auto it = loaded_.find(file.string()); it != loaded_.end()) return it->second;
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
      problems_.add(document_, pointer, shown(name), "a " + kind + " document",
                    file.string() + " is a directory");
      return nullptr;
    }
    if (!std::filesystem::exists(file, error)) {
      const MeantFile meant = meant_file(document_, name.get<std::string>());
      problems_.add(document_, pointer, shown(name), "a " + kind + " document", meant.because,
                    meant.name.empty() ? "" : shown(Json(meant.name)));
      return nullptr;
    }
    std::shared_ptr<Document> read;
    try {
      read = std::make_shared<Document>(read_document_of(of, file));
    } catch (const core::DocumentError& fault) {
      for (const core::Problem& problem : fault.problems()) problems_.add(problem);
    }
    return loaded_[file.string()] = read;
  }

  void load_all() {
    const Json& root = document_.root;
    if (!root.is_object()) return;
    if (root.contains("model") && root.at("model").is_object() && root.at("model").contains("file"))
      model_ = load("/model/file", root.at("model").at("file"), DocumentKind::model);
    if (!root.contains("arms") || !root.at("arms").is_object()) return;
    for (const auto& [name, arm] : root.at("arms").items()) {
      const std::string at = pointer_join("/arms", name);
      const bool named = arm.is_object() && arm.contains("method");
      methods_.push_back(named ? load(at + "/method", arm.at("method"), DocumentKind::method) : nullptr);
      const Json own = arm.is_object() ? arm.value("model", Json()) : Json();
      models_.push_back(own.is_object() && own.contains("file")
                            ? load(at + "/model/file", own.at("file"), DocumentKind::model)
                            : model_);
    }
  }

  void check_names() {
    if (!resolved_.is_object()) return;
    const std::string wanted = "letters, digits, '.', '_', '-' and '+', for it names a folder";
    if (resolved_.contains("name") && resolved_.at("name").is_string() &&
        !is_plain_name(resolved_.at("name").get<std::string>()))
      problems_.add(document_, "/name", shown(resolved_.at("name")), wanted);
    if (!resolved_.contains("arms") || !resolved_.at("arms").is_object()) return;
    std::vector<std::string> arms;
    for (const auto& [name, arm] : resolved_.at("arms").items()) {
      arms.push_back(name);
      if (!is_plain_name(name))
        problems_.add(document_, pointer_join("/arms", name), "arm " + shown(Json(name)), wanted);
      else if (is_own_name(name))
        problems_.add(document_, pointer_join("/arms", name), "arm " + shown(Json(name)), "another name",
                      "isorbit keeps a file or folder of that name beside the arms' folders");
    }
    if (arms.empty()) return;  // the description reports it
    const Json compare = resolved_.value("compare", Json::object());
    if (!compare.is_object() || !compare.contains("baseline") || !compare.at("baseline").is_string()) return;
    const std::string baseline = compare.at("baseline").get<std::string>();
    if (std::find(arms.begin(), arms.end(), baseline) != arms.end()) return;
    const auto near = core::nearest(baseline, arms);
    problems_.add(document_, "/compare/baseline", shown(Json(baseline)),
                  core::expectation(core::Spec::text().one_of(arms)), "it is compared with the other arms",
                  near ? shown(Json(*near)) : "");
  }

  void add_control_arms() {
    const auto wants = [](const Json& fields) { return fields.value("controls", "none") == "auto"; };
    if (wants(resolved_) || std::ranges::any_of(resolved_.at("arms"), wants))
      controls_ = add_controls(document_, resolved_, models_, methods_, problems_);
  }

  /// `fields`: of the sweep's model, or of what an arm has otherwise.
  void check_size(const std::string& pointer, const Json& fields, const Document& model) {
    if (!fields.contains("size")) return;
    const std::vector<std::string> sizes = keys_of(model.root, "sizes");
    const std::string size = fields.at("size").get<std::string>();
    if (std::find(sizes.begin(), sizes.end(), size) != sizes.end()) return;
    const auto near = core::nearest(size, sizes);
    problems_.add(document_, pointer, shown(Json(size)),
                  sizes.empty() ? "no size: " + model.file + " has none"
                                : core::expectation(core::Spec::text().one_of(sizes)),
                  {}, near ? shown(Json(*near)) : "");
  }

  /// Throws what was found, together with what the model and the methods have wrong by themselves.
  [[noreturn]] void fail() {
    std::set<std::string> seen;
    const auto add_of = [&](const auto& read) {
      try {
        read();
      } catch (const core::DocumentError& error) {
        for (const core::Problem& problem : error.problems())
          if (seen.insert(problem.text()).second) problems_.add(problem);
      }
    };
    if (model_) add_of([&] { (void)core::read_model(*model_, every_op()); });
    for (const std::shared_ptr<Document>& model : models_)
      if (model && model != model_) add_of([&] { (void)core::read_model(*model, every_op()); });
    for (const std::shared_ptr<Document>& method : methods_)
      if (method) add_of([&] { (void)read_method(*method); });
    const Json data = resolved_.is_object() ? resolved_.value("data", Json()) : Json();
    if (data.is_object() && data.contains("corpus") && data.at("corpus").is_string()) {
      if (const auto missing =
              missing_corpus(document_, data.at("corpus").get<std::string>(), request_.data_dir))
        if (seen.insert(missing->text()).second) problems_.add(*missing);
    }
    problems_.throw_if_any();
    throw std::logic_error("a sweep without a model was accepted");
  }

  Sweep resolve_all(const SweepSources& sources, Expansion expansion) {
    Sweep sweep;
    sweep.name = resolved_.at("name").get<std::string>();
    sweep.metric = resolved_.at("metric").at("name").get<std::string>();
    sweep.minimize = resolved_.at("metric").value(
                         "goal", sweep.metric.ends_with("/accuracy") ? "maximize" : "minimize") == "minimize";
    sweep.baseline = resolved_.at("compare").value("baseline", sources.arms().front());
    sweep.controls = std::move(controls_.arms);
    sweep.notes = std::move(controls_.notes);
    sweep.notes.insert(sweep.notes.end(), expansion.notes.begin(), expansion.notes.end());
    MadeCells made = make_cells(sources, expansion, overrides_, request_.data_dir, problems_);
    problems_.throw_if_any();
    sweep.cells = std::move(made.cells);
    sweep.notes.insert(sweep.notes.end(), made.notes.begin(), made.notes.end());
    sweep.dropped = std::move(expansion.dropped);
    std::vector<core::Problem> warnings;
    find_repeats(document_, resolved_, warnings);
    warnings.insert(warnings.end(), made.warnings.begin(), made.warnings.end());
    find_same_arms(document_, sweep.cells, warnings);
    sweep.warnings = relabelled(warnings, document_.file, overrides_);
    sweep.strict = resolved_.at("strict").get<bool>();
    return sweep;
  }

  const SweepRequest& request_;
  Document document_;
  core::Problems problems_;
  std::vector<Override> overrides_;
  Json resolved_;
  std::shared_ptr<Document> model_;
  ArmDocuments models_, methods_;  // by arm
  Controls controls_;
  std::map<std::string, std::shared_ptr<Document>> loaded_;
};

}  // namespace

Sweep read_sweep(const SweepRequest& request) { return Reader(request).read(); }

}  // namespace isorbit::experiments
