#include "experiments/sweep/meant_file.hpp"

#include <algorithm>
#include <vector>

#include "core/document/problem.hpp"

namespace isorbit::experiments {

namespace fs = std::filesystem;

MeantFile meant_file(const core::Document& document, const std::string& name) {
  const fs::path folder = fs::path(document.file).parent_path();
  const fs::path file = (folder / name).lexically_normal();
  MeantFile meant{"", "there is no file " + file.string()};
  std::error_code error;
  if (!folder.empty() && fs::is_regular_file(name, error)) {
    meant.name = fs::proximate(name, folder, error).string();
    meant.because += "; names are relative to the document's folder";
    return meant;
  }
  std::vector<std::string> beside;
  for (const auto& entry :
       fs::directory_iterator(file.parent_path().empty() ? "." : file.parent_path(), error))
    beside.push_back(entry.path().filename().string());
  std::ranges::sort(beside);
  const std::string own = file.filename().string();
  const bool bare = std::ranges::find(beside, own + ".json") != beside.end();
  const auto near = bare ? std::optional(own + ".json") : core::nearest(own, beside);
  if (near) meant.name = (fs::path(name).parent_path() / *near).string();
  return meant;
}

}  // namespace isorbit::experiments
