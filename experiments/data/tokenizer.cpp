#include "experiments/data/tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/document/problem.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::int64_t least_bpe = 260, most_bpe = 65536;

[[noreturn]] void bad_choice(const std::string& found, const std::string& expected) {
  throw DataError("tokenizer: found " + found + "; expected " + expected);
}

}  // namespace

TokenizerChoice TokenizerChoice::from_json(const core::Json& value) {
  const std::string expected = R"("bytes" or {"kind": "bpe", "vocab": 4096})";
  TokenizerChoice choice;
  if (value.is_object()) {
    for (const auto& [key, unused] : value.items())
      if (key != "kind" && key != "vocab") bad_choice("the key \"" + key + "\"", "kind and vocab");
    if (!value.contains("kind") || !value["kind"].is_string()) bad_choice(core::shown(value), expected);
    choice.kind = value["kind"].get<std::string>();
  } else if (value.is_string()) {
    choice.kind = value.get<std::string>();
  } else {
    bad_choice(core::shown(value), expected);
  }
  if (choice.kind != "bytes" && choice.kind != "bpe") bad_choice(core::shown(choice.kind), expected);
  if (choice.kind == "bpe") choice.vocab = 4096;
  if (value.is_object() && value.contains("vocab")) {
    const core::Json& vocab = value["vocab"];
    const double number = vocab.is_number() ? vocab.get<double>() : 0;
    const double least = choice.kind == "bpe" ? least_bpe : 256, most = choice.kind == "bpe" ? most_bpe : 256;
    if (number != std::floor(number) || number < least || number > most)
      bad_choice("vocab " + core::shown(vocab),
                 choice.kind == "bpe"
                     ? "a whole number from " + std::to_string(least_bpe) + " to " + std::to_string(most_bpe)
                     : "256, the number of bytes");
    choice.vocab = static_cast<std::int64_t>(number);
  }
  return choice;
}

std::string TokenizerChoice::label() const { return kind == "bpe" ? "bpe-" + std::to_string(vocab) : kind; }

std::vector<std::int32_t> ByteTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids(text.size());
  std::transform(text.begin(), text.end(), ids.begin(), [](char c) { return static_cast<unsigned char>(c); });
  return ids;
}

std::string ByteTokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text(ids.size(), '\0');
  std::transform(ids.begin(), ids.end(), text.begin(), [](std::int32_t id) {
    if (id < 0 || id > 255) throw DataError("token id " + std::to_string(id) + ": expected 0 to 255");
    return static_cast<char>(id);
  });
  return text;
}

Tokens::Tokens(const std::filesystem::path& file, int width)
    : file_(std::make_shared<const DataFile>(file)), width_(width) {
  if (width != 1 && width != 2)
    throw DataError(file.string() + ": found " + std::to_string(width) + " bytes a token; expected 1 or 2");
  const std::size_t bytes = file_->size();
  if (bytes % static_cast<std::size_t>(width) != 0)
    throw DataError(file.string() + ": found " + std::to_string(bytes) + " bytes; expected a multiple of " +
                    std::to_string(width) + "; delete it to have it made again");
  size_ = static_cast<std::int64_t>(bytes) / width;
}

void Tokens::copy(std::int64_t offset, std::span<std::int32_t> out) const {
  const auto count = static_cast<std::int64_t>(out.size());
  if (offset < 0 || count > size_ || offset > size_ - count)
    throw DataError(path().string() + ": asked for tokens " + std::to_string(offset) + " to " +
                    std::to_string(offset + count) + "; it has " + std::to_string(size_));
  // Read to the end of `out` and widened from its beginning: no token is written over before it is read.
  const auto width = static_cast<std::size_t>(width_);
  const std::span<std::byte> narrow = std::as_writable_bytes(out).last(out.size() * width);
  file_->read(static_cast<std::size_t>(offset) * width, narrow);
  const auto widen = [&]<class Narrow>(Narrow token) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::memcpy(&token, narrow.data() + i * width, width);  // little-endian, as this machine
      out[i] = token;
    }
  };
  if (width_ == 1)
    widen(std::uint8_t{});
  else
    widen(std::uint16_t{});
}

std::vector<std::uint64_t> Tokens::histogram() const {
  std::vector<std::uint64_t> counts(width_ == 1 ? 256 : 65536);
  std::vector<std::int32_t> some(65536);
  for (std::int64_t at = 0; at < size_; at += static_cast<std::int64_t>(some.size())) {
    const auto part =
        std::span(some).first(std::min<std::size_t>(some.size(), static_cast<std::size_t>(size_ - at)));
    copy(at, part);
    for (const std::int32_t id : part) ++counts[static_cast<std::size_t>(id)];
  }
  check();
  while (!counts.empty() && counts.back() == 0) counts.pop_back();
  return counts;
}

}  // namespace isorbit::experiments
