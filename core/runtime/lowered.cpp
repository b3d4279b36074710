#include "core/runtime/lowered.hpp"

#include <memory>
#include <unordered_map>

namespace isorbit::core {

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

Lowered Lowered::own(std::string name, std::function<void(const Binding&)> body, std::size_t scratch_bytes) {
  Lowered lowered;
  lowered.implementation = "own:" + std::move(name);
  lowered.scratch_bytes = scratch_bytes;
  lowered.bind = [body = std::move(body)](const Binding& binding) -> Kernel {
    return [body, binding] { body(binding); };
  };
  return lowered;
}

namespace {

std::size_t scratch_of(const Lowered::Slice& slice) { return (slice.scratchpad.get_size() + 63) / 64 * 64; }

/// A primitive with its memories.
struct Call {
  dnnl::primitive primitive;
  std::unordered_map<int, dnnl::memory> memories;
};

Call call_of(const Lowered::Slice& slice, const Binding& binding, std::byte* scratch) {
  Call call{slice.primitive, {}};
  const dnnl::engine& engine = binding.engine->onednn();
  for (const Lowered::Argument& a : slice.arguments) {
    void* address = a.output ? binding.out[a.index] : const_cast<void*>(binding.in[a.index]);
    if (address == nullptr) continue;
    call.memories.emplace(a.id, dnnl::memory(a.layout, engine, static_cast<std::byte*>(address) + a.offset));
  }
  if (slice.scratchpad.get_size() > 0)
    call.memories.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(slice.scratchpad, engine, scratch));
  return call;
}

}  // namespace

Lowered Lowered::slices(std::vector<Slice> slices) {
  Lowered lowered;
  lowered.implementation = slices.front().implementation;
  for (const Slice& slice : slices) lowered.scratch_bytes += scratch_of(slice);
  lowered.bind = [slices = std::move(slices)](const Binding& binding) -> Kernel {
    std::vector<Call> calls;
    auto* scratch = static_cast<std::byte*>(binding.scratch);
    for (const Slice& slice : slices) {
      calls.push_back(call_of(slice, binding, scratch));
      scratch += scratch_of(slice);
    }
    return [calls = std::move(calls), engine = binding.engine] {
      engine->parallel(static_cast<std::int64_t>(calls.size()), 1,
                       [&](std::int64_t first, std::int64_t last) {
                         for (std::int64_t i = first; i < last; ++i) {
                           const auto slice = static_cast<std::size_t>(i);
                           calls[slice].primitive.execute(engine->stream(slice), calls[slice].memories);
                         }
                       });
    };
  };
  return lowered;
}

}  // namespace isorbit::core
