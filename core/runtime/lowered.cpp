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

Lowered Lowered::primitive(dnnl::primitive primitive, std::string implementation,
                           const onednn::Layout& scratchpad, std::vector<Argument> arguments) {
  Lowered lowered;
  lowered.implementation = std::move(implementation);
  lowered.scratch_bytes = scratchpad.get_size();
  lowered.bind = [primitive, scratchpad, arguments = std::move(arguments)](const Binding& binding) -> Kernel {
    std::unordered_map<int, dnnl::memory> memories;
    const dnnl::engine& engine = binding.engine->onednn();
    for (const Argument& a : arguments) {
      void* address = a.output ? binding.out[a.index] : const_cast<void*>(binding.in[a.index]);
      if (address != nullptr) memories.emplace(a.id, dnnl::memory(a.layout, engine, address));
    }
    if (scratchpad.get_size() > 0) {
      memories.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(scratchpad, engine, binding.scratch));
    }
    return [primitive, memories = std::move(memories), stream = &binding.engine->stream()] {
      primitive.execute(*stream, memories);
    };
  };
  return lowered;
}

}  // namespace isorbit::core
