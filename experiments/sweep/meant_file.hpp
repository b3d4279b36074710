// Files that were named and are not there.
#pragma once
#include <filesystem>
#include <string>

#include "core/document/json.hpp"

namespace isorbit::experiments {

/// What was probably meant by a name in a document that no file has, and why it is not there.
struct MeantFile {
  std::string name;     // as the document should write it; empty: nothing is near
  std::string because;  // "there is no file ..."
};
[[nodiscard]] MeantFile meant_file(const core::Document& document, const std::string& name);

}  // namespace isorbit::experiments
