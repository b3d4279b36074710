// What the name of a series of a record says: which weight it is of, and where that stands in the model.
#pragma once
#include <string>
#include <string_view>

namespace isorbit::analysis {

struct SeriesName {
  std::string series;     // "measure", "ratio/q-k", "train"
  std::string parameter;  // "layers.0.attn.q.weight"; empty where the series is of no parameter
  std::string layer;      // "0": the number of its block; empty outside of repeated blocks
  std::string kind;       // "attn.q": what the weights of other layers in its place have in common
};

/// Of the path of a series: the last part of what begins with "measure/", "ratio/" or "spectrum/" is a
/// parameter.
[[nodiscard]] SeriesName series_name(std::string_view path);

/// Fills in layer and kind of a parameter: "layers.0.attn.q.weight" is 0 and "attn.q", "embed.weight" is
/// "embed". A number within a block that is numbered itself stays in the kind ("experts.3.up").
[[nodiscard]] SeriesName parameter_name(std::string series, std::string_view parameter);

}  // namespace isorbit::analysis
