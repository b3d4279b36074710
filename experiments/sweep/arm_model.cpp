#include "experiments/sweep/arm_model.hpp"

namespace isorbit::experiments {

using core::Json;

bool has_own_model(const Json& resolved, const std::string& arm) {
  return resolved.at("arms").at(arm).at("model").contains("file");
}

Json arm_model(const Json& resolved, const std::string& arm) {
  const Json& own = resolved.at("arms").at(arm).at("model");
  Json model = resolved.at("model");
  if (has_own_model(resolved, arm)) {
    model = own;
    if (!model.contains("constants")) model["constants"] = Json::object();
    return model;
  }
  if (own.contains("size")) model["size"] = own.at("size");
  if (own.contains("constants")) model["constants"].update(own.at("constants"));
  return model;
}

}  // namespace isorbit::experiments
