#include "experiments/replay/recorded_chain.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace isorbit::experiments {

namespace {

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

/// The shortest decimals that read back as the number.
std::string text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, std::end(digits), value).ptr};
}

std::string text(const core::Values& values, std::size_t row) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&values)) return text((*numbers)[row]);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values))
    return std::to_string((*integers)[row]);
  return std::get<std::vector<std::string>>(values)[row];
}

bool same(const core::Values& a, const core::Values& b, std::size_t row) {
  const auto* numbers = std::get_if<std::vector<double>>(&a);
  const auto* others = std::get_if<std::vector<double>>(&b);
  if (numbers != nullptr && others != nullptr) return same((*numbers)[row], (*others)[row]);
  return a.index() == b.index() && text(a, row) == text(b, row);
}

bool comes_from_training(const std::string& path) {
  return path == "train" || path == "valid" || path == "event" || path.starts_with("measure/") ||
         path.starts_with("ratio/");
}

std::string at_step(const std::string& name, const std::string& step) { return name + " at step " + step; }

std::optional<Disagreement> first_of_columns(const core::Series& recorded, const core::Series& here) {
  const core::Column& axis = recorded.columns.front();
  for (const core::Column& column : recorded.columns) {
    if (column.name == "seconds") continue;
    const std::string name = recorded.path + "/" + column.name;
    const core::Column* other = here.find(column.name);
    if (other == nullptr) return Disagreement{name, "a column", "none"};
    if (other->size() != column.size())
      return Disagreement{name, std::to_string(column.size()) + " rows", std::to_string(other->size())};
    for (std::size_t row = 0; row < column.size(); ++row)
      if (!same(column.values, other->values, row))
        return Disagreement{at_step(name, text(axis.values, row)), text(column.values, row),
                            text(other->values, row)};
  }
  return std::nullopt;
}

std::optional<Disagreement> first_of_spectra(const core::Spectrum& recorded, const core::Spectrum& here) {
  const std::string name = "spectrum/" + recorded.parameter;
  if (recorded.steps != here.steps || recorded.values.size() != here.values.size())
    return Disagreement{name, std::to_string(recorded.steps.size()) + " rows",
                        std::to_string(here.steps.size())};
  for (std::size_t i = 0; i < recorded.values.size(); ++i)
    if (!same(recorded.values[i], here.values[i]))
      return Disagreement{at_step(name, std::to_string(recorded.steps[i / recorded.rank])),
                          text(recorded.values[i]), text(here.values[i])};
  return std::nullopt;
}

}  // namespace

RecordedChain read_chain(const core::RunRecord& record, std::int64_t steps) {
  if (record.find("replay") == nullptr || record.find("replay/tensor") == nullptr)
    throw std::runtime_error("it has no chain to compare with (/replay)");
  RecordedChain chain;
  chain.tensors = record.at("replay/tensor").at("name").texts();
  const core::Series& rows = record.at("replay");
  const std::vector<std::int64_t>& at = rows.at("step").integers();
  const std::vector<std::string>&links = rows.at("link").texts(), &digests = rows.at("digests").texts();
  const std::vector<double> losses = record.at("train").at("loss").doubles();
  const auto expected = static_cast<std::size_t>(steps);
  if (at.size() != expected + 1 || losses.size() != expected)
    throw std::runtime_error("it holds " + std::to_string(at.size()) + " links and " +
                             std::to_string(losses.size()) + " losses where its document asks for " +
                             std::to_string(steps) + " steps");
  for (std::size_t k = 0; k < at.size(); ++k) {
    if (at[k] != static_cast<std::int64_t>(k) ||
        digests[k].size() != ReplayChain::kDigits * chain.tensors.size())
      throw std::runtime_error("row " + std::to_string(k) + " of /replay is not that of step " +
                               std::to_string(k) + " with " + std::to_string(chain.tensors.size()) +
                               " digests");
    chain.links.push_back({at[k], k == 0 ? NAN : losses[k - 1], links[k], digests[k]});
  }
  return chain;
}

std::vector<Disagreement> disagreements(const ReplayLink& recorded, const ReplayLink& here,
                                        const std::vector<std::string>& tensors) {
  std::vector<Disagreement> out;
  if (!same(recorded.loss, here.loss)) out.push_back({"train/loss", text(recorded.loss), text(here.loss)});
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const auto digest = [&](const ReplayLink& link) {
      return link.digests.substr(t * ReplayChain::kDigits, ReplayChain::kDigits);
    };
    if (digest(recorded) != digest(here)) out.push_back({tensors[t], digest(recorded), digest(here)});
  }
  if (out.empty() && recorded.link != here.link) out.push_back({"link", recorded.link, here.link});
  return out;
}

std::optional<Disagreement> first_disagreement(const core::RunRecord& recorded, const core::RunRecord& here) {
  for (const core::Series& series : recorded.series) {
    if (!comes_from_training(series.path) || series.columns.empty()) continue;
    const core::Series* other = here.find(series.path);
    if (other == nullptr) return Disagreement{series.path, "a series", "none"};
    if (auto found = first_of_columns(series, *other)) return found;
  }
  for (const core::Spectrum& spectrum : recorded.spectra) {
    const auto other = std::ranges::find(here.spectra, spectrum.parameter, &core::Spectrum::parameter);
    if (other == here.spectra.end())
      return Disagreement{"spectrum/" + spectrum.parameter, "a spectrum", "none"};
    if (auto found = first_of_spectra(spectrum, *other)) return found;
  }
  return std::nullopt;
}

}  // namespace isorbit::experiments
