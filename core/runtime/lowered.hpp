// What a node becomes: a named implementation, the memory formats it wants, and a function that binds it to
// addresses.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/runtime/engine.hpp"

namespace isorbit::core {

/// Addresses of one node's tensors, in the order of its inputs and outputs (null for an absent optional
/// input).
struct Binding {
  std::vector<const void*> in;
  std::vector<void*> out;
  void* scratch = nullptr;
  Engine* engine = nullptr;

  template <class T = float>
  [[nodiscard]] const T* input(std::size_t i) const {
    return static_cast<const T*>(in[i]);
  }
  template <class T = float>
  [[nodiscard]] T* output(std::size_t i = 0) const {
    return static_cast<T*>(out[i]);
  }
};

using Kernel = std::function<void()>;

struct Lowered {
  std::string implementation;  // oneDNN's own name ("brgemm:avx512_core") or "own:<name>"
  std::size_t scratch_bytes = 0;
  /// A format that a kernel wants an input in, and the dense input as the kernel sees it (of the same
  /// extents).
  struct Format {
    onednn::Layout dense, wanted;
  };
  /// Formats wanted per input; empty or nullopt: dense row-major. place_reorders() brings them about.
  std::vector<std::optional<Format>> in_formats = {};
  std::function<Kernel(const Binding&)> bind;

  /// A kernel of our own: body(binding) at every run.
  static Lowered own(std::string name, std::function<void(const Binding&)> body,
                     std::size_t scratch_bytes = 0);

  /// One oneDNN primitive. `arguments` maps DNNL_ARG_* to a layout and to where its address comes from; the
  /// scratchpad is in user mode and is booked from the program's memory.
  struct Argument {
    int id = 0;
    bool output = false;
    std::size_t index = 0;  // of the node's inputs or outputs
    onednn::Layout layout;
    std::size_t offset = 0;  // bytes
  };
  template <class PrimitiveDesc>
  static Lowered primitive(const PrimitiveDesc& description, std::vector<Argument> arguments) {
    return slices({Slice(description, std::move(arguments))});
  }

  /// Primitives that run side by side, at most one per thread of the engine: each a part of the result.
  struct Slice {
    template <class PrimitiveDesc>
    Slice(const PrimitiveDesc& description, std::vector<Argument> all)
        : primitive(description.get()),
          implementation(description.impl_info_str()),
          scratchpad(description.scratchpad_desc()),
          arguments(std::move(all)) {}
    dnnl::primitive primitive;
    std::string implementation;
    onednn::Layout scratchpad;
    std::vector<Argument> arguments;
  };
  static Lowered slices(std::vector<Slice> slices);
};

/// Attributes every primitive is created with: scratchpad in user mode.
[[nodiscard]] dnnl::primitive_attr user_scratchpad();

}  // namespace isorbit::core
