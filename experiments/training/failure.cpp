#include "experiments/training/failure.hpp"

#include "core/document/json.hpp"
#include "core/record/durable_file.hpp"

namespace isorbit::experiments {

void keep_reason(const std::filesystem::path& folder, const std::string& reason) {
  using core::Json;
  try {
    std::filesystem::create_directories(folder);
    core::DurableFile file(folder / "failed.json");
    file.write(Json{{"reason", reason}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    file.commit();
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace isorbit::experiments
