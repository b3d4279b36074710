// Images and their labels from IDX files (LeCun): big-endian u32 magic 0x00000803 and count, rows, columns,
// then bytes; labels 0x00000801, count, bytes. A pixel p becomes p / 255. Training: image j of the endless
// stream is permutation(seed, epoch = j / n)[j mod n]; step s takes j from s batch on, so every image is seen
// once an epoch and a batch may span two. Validation: the first images of the file.
#include <algorithm>
#include <mutex>

#include "core/document/digest.hpp"
#include "core/random/philox.hpp"
#include "experiments/data/batch_fill.hpp"
#include "experiments/data/entropy.hpp"
#include "experiments/data/valid_cut.hpp"

namespace isorbit::experiments {
namespace {

std::uint32_t big_endian(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

struct IdxFile {
  DataFile file;
  std::vector<std::int64_t> extents;
  std::size_t header = 0;

  IdxFile(const std::filesystem::path& path, std::uint32_t dimensions)
      : file(path), header(4 + 4 * dimensions) {
    std::vector<std::byte> bytes(std::min(header, file.size()));
    file.read(0, bytes);
    const std::string expected = "; expected an uncompressed IDX file of bytes with " +
                                 std::to_string(dimensions) +
                                 (dimensions == 1 ? " dimension" : " dimensions");
    if (bytes.size() < header || big_endian(bytes, 0) != (0x0800U | dimensions))
      throw DataError(path.string() + ": found another kind of file" + expected);
    double size = 1;
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      extents.push_back(big_endian(bytes, 4 + 4 * d));
      size *= static_cast<double>(extents.back());
    }
    if (size < 1 || size != static_cast<double>(file.size() - header))
      throw DataError(path.string() + ": found " + std::to_string(file.size() - header) +
                      " bytes after the header, which does not fit its extents" + expected);
  }
  /// Bytes behind the header, from `offset` on.
  void read(std::size_t offset, std::span<std::byte> out) const { file.read(header + offset, out); }
};

struct ImageSplit {
  IdxFile images, labels;
  std::int64_t count, pixels;
  std::vector<std::byte> label_of;

  ImageSplit(const Corpus& corpus, const std::string& split)
      : images(corpus.file(split + "-images"), 3),
        labels(corpus.file(split + "-labels"), 1),
        count(images.extents[0]),
        pixels(images.extents[1] * images.extents[2]),
        label_of(static_cast<std::size_t>(labels.extents[0])) {
    if (labels.extents[0] != count)
      throw DataError(labels.file.path().string() + ": found " + std::to_string(labels.extents[0]) +
                      " labels; expected " + std::to_string(count) + ", one an image of " + split +
                      "-images");
    labels.read(0, label_of);
    labels.file.check();
  }
};

using Permutation = std::shared_ptr<const std::vector<std::int32_t>>;

// The permutations last asked for: several seeds of a sweep share one source, each near one epoch.
class Epochs {
 public:
  Permutation at(std::uint64_t seed, std::int64_t epoch, std::int64_t count) const {
    static const std::uint64_t stream = core::stream_of("data/images");
    const std::scoped_lock lock(mutex_);
    for (const Entry& entry : kept_)
      if (entry.seed == seed && entry.epoch == epoch) return entry.permutation;
    const core::Philox random(seed, stream, static_cast<std::uint64_t>(epoch));
    auto made = std::make_shared<const std::vector<std::int32_t>>(
        random.permutation(static_cast<std::size_t>(count)));
    if (kept_.size() == 16) kept_.erase(kept_.begin());
    kept_.push_back({seed, epoch, made});
    return made;
  }

 private:
  struct Entry {
    std::uint64_t seed;
    std::int64_t epoch;
    Permutation permutation;
  };
  mutable std::mutex mutex_;
  mutable std::vector<Entry> kept_;
};

class ImageBatches final : public BatchSource {
 public:
  ImageBatches(const Corpus& corpus, const BatchRequest& request)
      : batch_(request.batch),
        train_(corpus, "train"),
        valid_(corpus, "valid"),
        cut_(request.valid_targets == 0 ? valid_.count : std::min(request.valid_targets, valid_.count),
             batch_) {
    if (train_.pixels != valid_.pixels)
      throw DataError(corpus.folder.string() + ": images of " + std::to_string(train_.pixels) +
                      " pixels in train, " + std::to_string(valid_.pixels) + " in valid; expected the same");
    std::vector<std::uint64_t> counts(256);
    for (const std::byte label : std::span(valid_.label_of).first(static_cast<std::size_t>(cut_.items())))
      ++counts[std::to_integer<std::size_t>(label)];
    entropy_ = experiments::unigram_entropy(counts);
    classes_ = 1 + std::to_integer<std::int64_t>(std::max(largest(train_), largest(valid_)));
    if (request.vocab > 0 && classes_ > request.vocab)
      throw DataError("corpus \"" + corpus.name + "\" has labels up to " + std::to_string(classes_ - 1) +
                      "; the model has " + std::to_string(request.vocab) + " classes; did you mean " +
                      std::to_string(classes_) + "?");
    sha256_ = core::sha256_hex(corpus.sha256 + "\nimages\n");
  }

  std::vector<InputDescription> inputs() const override {
    return {{"images", {batch_, train_.pixels}, InputType::f32}, {"labels", {batch_}, InputType::s32}};
  }

  void train_batch(std::uint64_t seed, std::int64_t step, const BatchBuffers& buffers,
                   BatchPart part) const override {
    check_step(step);
    std::int64_t known = -1;
    Permutation permutation;
    fill(train_, buffers, [&](std::int64_t row) {
      const std::int64_t j = (step * part.of + part.index) * batch_ + row, epoch = j / train_.count;
      if (epoch != known) permutation = epochs_.at(seed, known = epoch, train_.count);
      return static_cast<std::int64_t>((*permutation)[static_cast<std::size_t>(j % train_.count)]);
    });
  }

  std::int64_t valid_batches() const override { return cut_.batches(); }

  void valid_batch(std::int64_t index, const BatchBuffers& buffers) const override {
    check_valid_index(index, cut_.batches());
    fill(valid_, buffers, [&](std::int64_t row) { return cut_.item(index, row); });
  }

  double valid_share(std::int64_t index) const override { return cut_.share(index); }

  std::string data_sha256() const override { return sha256_; }
  double bytes_per_token() const override { return 0; }
  std::int64_t vocab() const override { return classes_; }
  double unigram_entropy() const override { return entropy_; }
  std::int64_t train_size() const override { return train_.count; }

 private:
  static std::byte largest(const ImageSplit& split) {
    return *std::max_element(split.label_of.begin(), split.label_of.end());
  }

  template <class Pick>
  void fill(const ImageSplit& split, const BatchBuffers& buffers, Pick pick) const {
    check_buffers(inputs(), buffers);
    const auto images = buffer_of<float>(buffers, "images");
    const auto labels = buffer_of<std::int32_t>(buffers, "labels");
    const auto pixels = static_cast<std::size_t>(split.pixels);
    std::vector<std::byte> image(pixels);
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch_); ++row) {
      const auto from = static_cast<std::size_t>(pick(static_cast<std::int64_t>(row)));
      if (!labels.empty()) labels[row] = std::to_integer<std::int32_t>(split.label_of[from]);
      if (images.empty()) continue;
      split.images.read(from * pixels, image);
      std::transform(image.begin(), image.end(), images.begin() + static_cast<std::ptrdiff_t>(row * pixels),
                     [](std::byte p) { return static_cast<float>(std::to_integer<int>(p)) / 255.0F; });
    }
    split.images.file.check();
    split.labels.file.check();
  }

  std::int64_t batch_;
  ImageSplit train_, valid_;
  ValidCut cut_;
  Epochs epochs_;
  std::int64_t classes_ = 0;
  double entropy_ = 0;
  std::string sha256_;
};

}  // namespace

std::unique_ptr<BatchSource> image_batches(const Corpus& corpus, const BatchRequest& request) {
  return std::make_unique<ImageBatches>(corpus, request);
}

}  // namespace isorbit::experiments
