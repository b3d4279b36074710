#include "experiments/sweep/missing_corpus.hpp"

#include <algorithm>

#include "core/document/spec.hpp"
#include "experiments/data/corpus.hpp"

namespace isorbit::experiments {

using core::Json;
using core::shown;

std::optional<core::Problem> missing_corpus(const core::Document& document, const std::string& corpus,
                                            const std::filesystem::path& data_dir,
                                            const std::string& pointer) {
  const std::vector<std::string> known = corpora(data_dir);
  if (std::find(known.begin(), known.end(), corpus) != known.end()) return std::nullopt;
  if (const auto lack = lack_of(corpus, data_dir))
    return core::Problem{
        document.file, document.position(pointer), pointer, shown(Json(corpus)), kCorpusLayout, *lack, ""};
  const auto near = core::nearest(corpus, known);
  return core::Problem{
      document.file,
      document.position(pointer),
      pointer,
      shown(Json(corpus)),
      known.empty() ? "a corpus in " + data_dir.string() + ", which has none"
                    : core::expectation(core::Spec::text().one_of(known)),
      known.empty() ? "experiments/data/fetch.sh fetches them" : "these are in " + data_dir.string(),
      near ? shown(Json(*near)) : ""};
}

}  // namespace isorbit::experiments
