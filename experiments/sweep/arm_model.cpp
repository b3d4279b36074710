#include "experiments/sweep/arm_model.hpp"

namespace isorbit::experiments {

using core::Json;

Json arm_model(const Json& resolved, const Json& arm) {
  const Json& own = arm.at("model");
  Json model = resolved.at("model");
  if (own.contains("file")) {
    model = own;
    if (!model.contains("constants")) model["constants"] = Json::object();
    return model;
  }
  if (own.contains("size")) model["size"] = own.at("size");
  if (own.contains("constants")) model["constants"].update(own.at("constants"));
  return model;
}

}  // namespace isorbit::experiments
