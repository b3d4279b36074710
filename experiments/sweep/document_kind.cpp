#include "experiments/sweep/document_kind.hpp"

#include <algorithm>

#include "core/passes/passes.hpp"
#include "experiments/method.hpp"
#include "experiments/sweep/resolve_cells.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

struct Kind {
  DocumentKind kind;
  std::string name, key, folder;  // what it is called, the key that only it has, where those that ship are
  std::vector<std::string> keys;
};

const std::vector<Kind>& kinds() {
  const auto keys = [](const core::Spec& spec) {
    std::vector<std::string> names;
    for (const core::Field& field : spec.description().fields)
      if (field.name != "name" && field.name != "doc" && field.name != "constants")
        names.push_back(field.name);
    return names;
  };
  static const std::vector<Kind> all = {
      {DocumentKind::sweep, "a sweep", "arms", "experiments/sweeps", keys(sweep_spec())},
      {DocumentKind::model, "a model", "nodes", "experiments/models", keys(core::model_spec(every_op()))},
      {DocumentKind::method, "a method", "groups", "experiments/methods", keys(method_spec())}};
  return all;
}

std::ptrdiff_t shared_keys(const Kind& kind, const Json& root) {
  return std::ranges::count_if(kind.keys, [&](const std::string& key) { return root.contains(key); });
}

/// Of a document that ships the name alone is no file.
void refuse_bare_name(const Kind& kind, const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::path shipped = std::filesystem::path(kind.folder) / file.filename();
  if (shipped.extension() != ".json") shipped += ".json";
  if (std::filesystem::exists(file, error) || !std::filesystem::is_regular_file(shipped, error)) return;
  core::Problems problems;
  problems.add({file.string(),
                {},
                "",
                "no such file",
                kind.name + " document",
                {},
                core::shown(Json(shipped.string()))});
  problems.throw_if_any();
}

const Kind& of(DocumentKind kind) { return *std::ranges::find(kinds(), kind, &Kind::kind); }

}  // namespace

std::optional<DocumentKind> kind_of(const core::Document& document) {
  std::ptrdiff_t most = 0;
  std::optional<DocumentKind> best;
  for (const Kind& kind : kinds())
    if (const auto shared = shared_keys(kind, document.root); shared > most) most = shared, best = kind.kind;
  return best;
}

core::Document read_document_of(DocumentKind kind, const std::filesystem::path& file) {
  refuse_bare_name(of(kind), file);
  core::Document document = core::read_document(file);
  const auto found = kind_of(document);
  if (!found || *found == kind || shared_keys(of(kind), document.root) > 0) return document;
  core::Problems problems;
  const bool method_for_sweep = kind == DocumentKind::sweep && *found == DocumentKind::method;
  problems.add(document, "", of(*found).name + " document",
               of(kind).name + " document (\"" + of(kind).key + "\")", "it has \"" + of(*found).key + "\"",
               method_for_sweep
                   ? "a sweep with an arm {\"method\": " + core::shown(Json(file.filename().string())) + "}"
                   : "");
  problems.throw_if_any();
  return document;
}

}  // namespace isorbit::experiments
