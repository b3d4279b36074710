// A safetensors file. What is read can be written and read again, and a byte that changes since is noticed.
#include "core/record/tensor_file.hpp"
#include "tests/fuzz/scratch.hpp"

namespace isorbit::fuzz {
namespace {

using core::StoredTensor;
using core::TensorFile;

void check_same(const TensorFile& a, const TensorFile& b) {
  claim(a.tensors.size() == b.tensors.size(), "as many tensors come back as were written");
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const StoredTensor &x = a.tensors[i], &y = b.tensors[i];
    claim(x.name == y.name && x.type == y.type && x.shape == y.shape && x.data == y.data,
          "a tensor comes back as it was: " + x.name);
    claim(b.find(x.name) == &y, "a tensor is found by its name");
  }
  for (const auto& [key, value] : a.metadata) claim(b.metadata.at(key) == value, "metadata comes back");
}

}  // namespace

void tensors(Input input) {
  TensorFile file;
  try {
    file = core::parse_tensors(std::as_bytes(input), "input");
  } catch (const std::runtime_error& error) {
    claim(is_utf8(error.what()), "an error is UTF-8");
    return;
  }
  std::vector<core::TensorView> views;
  for (const StoredTensor& t : file.tensors) {
    claim(t.data.size() <= input.size(), "no tensor is longer than its file");
    views.push_back({t.name, t.type, t.shape, t.data});
    const bool wide = t.type == core::StoredType::f32 || t.type == core::StoredType::f16 ||
                      t.type == core::StoredType::bf16;
    if (wide) claim(core::widened(t).size() == t.data.size() / size_of(t.type), "every element is widened");
  }
  const std::filesystem::path path = Scratch::folder() / "tensors";
  core::write_tensors(path, views, file.metadata);
  check_same(file, core::read_tensors(path));

  std::string damaged = contents_of(path);
  std::size_t bytes = 0;
  for (const StoredTensor& t : file.tensors) bytes += t.data.size();
  if (bytes == 0) return;
  damaged[damaged.size() - 1 - input.back() % bytes] ^= 0x40;
  try {
    (void)core::parse_tensors(std::as_bytes(std::span(damaged)), "damaged");
  } catch (const std::runtime_error&) {
    return;
  }
  claim(false, "data that does not have its digest was read");
}

}  // namespace isorbit::fuzz
