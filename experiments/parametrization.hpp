// In which coordinates a weight is trained. The words stand in experiments/parametrizations/, one a file.
//
// A weight "w" [out, in] has its base in the tensor "w" and its coordinates in tensors "w/<name>". The weight
// the model computes with is realize(base, coordinates). A base may be stored in another order, or more
// coarsely, than the weight it stands for: at the start of an interval realize() equals load(base), bit for
// bit, and that the weight that was given to store() where nothing is rounded. Who reads a weight's numbers
// reads realize() or load(), never the base; a factor of the whole weight is a factor of the base in any
// order.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/document/spec.hpp"
#include "core/graph/builder.hpp"
#include "core/runtime/tensor.hpp"
#include "experiments/misfit.hpp"

namespace isorbit::experiments {

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
  /// Takes the interval that ends, of `updates` updates, into what coordinates that are state sum up over a
  /// run. Called before start(). May be absent.
  std::function<void(const core::Json& fields, std::span<core::Tensor* const> coordinates,
                     std::int64_t updates)>
      finish = {};
  /// Sets the coordinates to the start of interval number `interval` (0 before training): trainable ones to
  /// where realize() is the identity, state drawn by (seed, stream of the weight's name, interval).
  std::function<void(const core::Json& fields, const std::string& weight,
                     std::span<core::Tensor* const> coordinates, std::uint64_t seed, std::int64_t interval)>
      start = {};
  /// Draws the weight before training in place of the model document's init; nothing: the document's stands.
  std::function<void(const core::Json& fields, const std::string& weight, core::Tensor& drawn,
                     std::uint64_t seed)>
      initialize = {};
  /// What is wrong with these fields for a weight that is given, because initialize() would draw another;
  /// nothing: it keeps it.
  std::function<std::optional<Misfit>(const core::Json& fields)> redraws = {};
  /// What is wrong with these fields for a weight of zeros, which they neither draw anew nor ever move;
  /// nothing: it moves.
  std::function<std::optional<Misfit>(const core::Json& fields)> keeps_zeros = {};
  /// The type of the base of a weight of this shape; nothing: the weight's own.
  std::function<core::TensorType(const core::Json& fields, const core::Shape& weight)> stored = {};
  /// Makes `weight`, [out, in] in its own order, the base of the interval whose coordinates start() has set;
  /// load() gives back the weight a base stands for. Nothing: the base is the weight.
  std::function<void(const core::Json& fields, std::span<const float> weight, core::Tensor& base,
                     std::span<core::Tensor* const> coordinates)>
      store = {};
  std::function<void(const core::Json& fields, const core::Tensor& base,
                     std::span<const core::Tensor* const> coordinates, std::span<float> weight)>
      load = {};
  /// Multiplies the weight a base stands for; nothing: the base's numbers are multiplied.
  std::function<void(const core::Json& fields, double factor, core::Tensor& base,
                     std::span<core::Tensor* const> coordinates)>
      multiply = {};
  /// What the singular values may move by, relative to the largest, at the present coordinates; nothing: not
  /// kept.
  std::function<Bound(const core::Json& fields, std::span<const core::Tensor* const> coordinates)> bound = {};
  /// What is recorded of a weight beside the measures of its matrix, `updates` updates into its interval:
  /// value by name. May be absent.
  std::function<std::map<std::string, double>(
      const core::Json& fields, std::span<const core::Tensor* const> coordinates, std::int64_t updates)>
      measures = {};
  /// Names of two trained coordinates, [out, r] and [r, in], of which only the product counts; nothing: it
  /// has none.
  std::optional<std::pair<std::string, std::string>> adapters = {};
  /// True: a factor on the weight is a factor on the base and leaves the coordinates' gradients as they are.
  /// False (dense): the base is what is trained, and its moments transport.
  bool base_is_fixed = false;

  /// The type of the base of a weight of this type.
  [[nodiscard]] core::TensorType base_type(const core::Json& values, const core::TensorType& weight) const {
    return stored ? stored(values, weight.shape) : weight;
  }
};

namespace parametrizations {
[[nodiscard]] std::vector<Parametrization> registered();
}
}  // namespace isorbit::experiments
