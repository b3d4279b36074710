// What a cell was forecast to take and what it took: "cost" of its record's /provenance and of its
// result.json, as
//   {"seconds", "peak_bytes", "whole", "forecast": {"seconds", "memory", "disk", "basis"}}
#pragma once
#include <optional>
#include <string>

#include "core/document/json.hpp"

namespace isorbit::experiments {

/// Where the seconds of a forecast come from: this work was timed now, or before; another was, and this one
/// differs by flops and bytes; none was.
enum class ForecastBasis { timed, remembered, scaled, nominal };
[[nodiscard]] const char* name_of(ForecastBasis basis);

struct CellForecast {
  double seconds = 0;  // that the cell takes with its processors to itself
  double memory = 0;   // bytes: the most that a process holds which runs it alone
  double disk = 0;     // bytes of its folder at its end
  ForecastBasis basis = ForecastBasis::nominal;
};

struct CellCost {
  double seconds = 0;               // of all its lives, but for work that was lost with one
  std::optional<double> peak = {};  // bytes the process held at most; unknown beside other cells
  bool whole = true;                // in one life, so that seconds and peak can be compared with the forecast
  std::optional<CellForecast> forecast = {};
};

[[nodiscard]] core::Json json_of(const CellForecast& forecast);
[[nodiscard]] core::Json json_of(const CellCost& cost);
/// Nothing where it is not what json_of() makes.
[[nodiscard]] std::optional<CellCost> cost_from(const core::Json& json);

}  // namespace isorbit::experiments
