// Two records of one cell, compared bit for bit apart from times and process lives.
#pragma once
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "core/record/run_file.hpp"

namespace isorbit::experiments {

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
inline bool same_bits(const std::vector<std::string>& a, const std::vector<std::string>& b) { return a == b; }

/// The first difference in words; empty: there is none.
inline std::string difference(const core::RunRecord& a, const core::RunRecord& b) {
  if (a.config != b.config) return "config";
  if (a.series.size() != b.series.size()) return "number of series";
  for (std::size_t s = 0; s < a.series.size(); ++s) {
    const core::Series &one = a.series[s], &other = b.series[s];
    if (one.path != other.path) return one.path + " against " + other.path;
    if (one.path == "segment") continue;
    if (one.columns.size() != other.columns.size()) return "columns of " + one.path;
    for (std::size_t c = 0; c < one.columns.size(); ++c) {
      const core::Column &left = one.columns[c], &right = other.columns[c];
      if (left.name == "seconds") continue;
      const bool same =
          left.name == right.name && left.values.index() == right.values.index() &&
          std::visit(
              [&](const auto& values) {
                return same_bits(values, std::get<std::decay_t<decltype(values)>>(right.values));
              },
              left.values);
      if (!same) return one.path + "/" + left.name;
    }
  }
  if (a.spectra.size() != b.spectra.size()) return "number of spectra";
  for (std::size_t i = 0; i < a.spectra.size(); ++i)
    if (a.spectra[i].parameter != b.spectra[i].parameter || a.spectra[i].steps != b.spectra[i].steps ||
        !same_bits(a.spectra[i].values, b.spectra[i].values))
      return "spectrum of " + a.spectra[i].parameter;
  return {};
}

}  // namespace isorbit::experiments
