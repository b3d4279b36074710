// In which coordinates a weight is trained. The words stand in experiments/parametrizations/, one a file.
//
// A weight "w" [out, in] has its base in the tensor "w" and its coordinates in tensors "w/<name>". The weight
// the model computes with is realize(base, coordinates); at the start of an interval it equals the base, bit
// for bit.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/document/spec.hpp"
#include "core/graph/builder.hpp"
#include "core/runtime/tensor.hpp"

namespace isorbit::experiments {

/// Why a parametrization does not fit a weight; `field` is relative to the parametrization's object.
struct Misfit {
  std::string field, found, expected, because, suggestion;
};

/// A tensor beside the base: "w/<name>".
struct Coordinate {
  std::string name;
  core::TensorType type;
  bool trainable = true;  // else it is state (an index), drawn anew at every merge
};

/// How far realize() may be from keeping singular values, relative to the largest: from the coordinates
/// alone.
using Bound = double;

struct Parametrization {
  std::string name;
  std::string doc;
  std::vector<core::Field> fields;
  /// Nothing: it fits every matrix.
  std::function<std::vector<Misfit>(const core::Json& fields, const core::Shape& weight)> misfits = {};
  std::function<std::vector<Coordinate>(const core::Json& fields, const core::Shape& weight)> coordinates =
      {};
  /// Graph ops only, so that autodiff owns the gradient. `coordinates` in the order of coordinates().
  std::function<core::ValueId(core::Builder&, const core::Json& fields, core::ValueId base,
                              std::span<const core::ValueId> coordinates)>
      realize = {};
  /// y = x W^T for a layer's input x [..., in], the same numbers as with realize() but another way to their
  /// gradients. A word that has it has a field "form": "auto", "weight" or "input". May be absent.
  std::function<core::ValueId(core::Builder&, const core::Json& fields, core::ValueId base,
                              std::span<const core::ValueId> coordinates, core::ValueId x)>
      apply = {};
  /// True where apply() knows these fields; nothing: it knows all.
  std::function<bool(const core::Json& fields)> applies = {};
  /// Sets the coordinates to the start of interval number `interval` (0 before training): trainable ones to
  /// where realize() is the identity, state drawn by (seed, stream of the weight's name, interval).
  std::function<void(const core::Json& fields, const std::string& weight,
                     std::span<core::Tensor* const> coordinates, std::uint64_t seed, std::int64_t interval)>
      start = {};
  /// Draws the base before training in place of the model document's init; nothing: the document's stands.
  std::function<void(const core::Json& fields, const std::string& weight, core::Tensor& base,
                     std::uint64_t seed)>
      initialize = {};
  /// What the singular values may move by, relative to the largest, at the present coordinates; nothing: not
  /// kept.
  std::function<Bound(const core::Json& fields, std::span<const core::Tensor* const> coordinates)> bound = {};
  /// True: a factor on the weight is a factor on the base and leaves the coordinates' gradients as they are.
  /// False (dense): the base is what is trained, and its moments transport.
  bool base_is_fixed = false;
};

namespace parametrizations {
[[nodiscard]] std::vector<Parametrization> registered();
}
}  // namespace isorbit::experiments
