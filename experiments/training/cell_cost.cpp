#include "experiments/training/cell_cost.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

constexpr ForecastBasis kBases[] = {ForecastBasis::timed, ForecastBasis::remembered, ForecastBasis::scaled,
                                    ForecastBasis::nominal};

CellForecast forecast_from(const Json& json) {
  CellForecast out{json.at("seconds").get<double>(), json.at("memory").get<double>(),
                   json.at("disk").get<double>(), ForecastBasis::nominal};
  for (const ForecastBasis basis : kBases)
    if (json.at("basis") == name_of(basis)) out.basis = basis;
  return out;
}

}  // namespace

const char* name_of(ForecastBasis basis) {
  switch (basis) {
    case ForecastBasis::timed:
      return "timed";
    case ForecastBasis::remembered:
      return "remembered";
    case ForecastBasis::scaled:
      return "scaled";
    case ForecastBasis::nominal:
      break;
  }
  return "nominal";
}

Json json_of(const CellForecast& forecast) {
  return {{"seconds", forecast.seconds},
          {"memory", forecast.memory},
          {"disk", forecast.disk},
          {"basis", name_of(forecast.basis)}};
}

Json json_of(const CellCost& cost) {
  Json out = {{"seconds", cost.seconds},
              {"peak_bytes", cost.peak ? Json(*cost.peak) : Json()},
              {"whole", cost.whole}};
  if (cost.forecast) out["forecast"] = json_of(*cost.forecast);
  return out;
}

std::optional<CellCost> cost_from(const Json& json) {
  try {
    CellCost out{json.at("seconds").get<double>(), {}, json.at("whole").get<bool>(), {}};
    if (!json.at("peak_bytes").is_null()) out.peak = json.at("peak_bytes").get<double>();
    if (json.contains("forecast")) out.forecast = forecast_from(json.at("forecast"));
    return out;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace isorbit::experiments
