#include "core/record/tensor_file.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/json.hpp"
#include "core/document/problem.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/tensor_types.hpp"

namespace isorbit::core {
namespace {

void check_to_write(std::span<const TensorView> tensors) {
  std::set<std::string_view> names;
  for (const auto& t : tensors) {
    if (t.name == "__metadata__" || !names.insert(t.name).second)
      throw std::invalid_argument("tensor \"" + t.name +
                                  "\": found a reserved or repeated name; expected each once");
    if (tensor_bytes(t.shape, t.type) != t.data.size())
      throw std::invalid_argument("tensor \"" + t.name + "\": found " + std::to_string(t.data.size()) +
                                  " bytes, which do not fit " + std::string(name_of(t.type)) + " of shape " +
                                  tensor_shape_text(t.shape));
  }
}

std::string header_of(std::span<const TensorView> tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = {{"__metadata__", metadata}};
  std::uint64_t offset = 0;
  for (const auto& t : tensors) {
    header[t.name] = {
        {"dtype", name_of(t.type)}, {"shape", t.shape}, {"data_offsets", {offset, offset + t.data.size()}}};
    offset += t.data.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    throw std::invalid_argument(std::string("a tensor name or metadata is not UTF-8: ") + error.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void StoredTensor::expect(StoredType wanted) const {
  if (type != wanted)
    throw std::runtime_error("tensor \"" + name + "\": found " + std::string(name_of(type)) + "; expected " +
                             std::string(name_of(wanted)));
}

const StoredTensor* TensorFile::find(std::string_view name) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const StoredTensor& t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

const StoredTensor& TensorFile::at(std::string_view name) const {
  if (const StoredTensor* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const StoredTensor& t : tensors) names.push_back(t.name);
  const auto near = nearest(name, names);
  throw std::runtime_error("tensor \"" + std::string(name) + "\" is not among the " +
                           std::to_string(names.size()) + " of this file" +
                           (near ? "; did you mean \"" + *near + "\"?" : ""));
}

void write_tensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                   std::map<std::string, std::string> metadata) {
  check_to_write(tensors);
  std::vector<std::span<const std::byte>> pieces;
  for (const auto& t : tensors) pieces.push_back(t.data);
  metadata["sha256"] = sha256_hex_of_pieces(pieces);
  const std::string header = header_of(tensors, metadata);
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));
  DurableFile file(path);
  file.write(length);
  file.write(header);
  for (const auto& piece : pieces) file.write(piece);
  file.commit();
}

}  // namespace isorbit::core
