#include "experiments/data/batch_source.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

struct TextBatch {
  std::vector<std::int32_t> tokens, targets;
  explicit TextBatch(const BatchRequest& r)
      : tokens(static_cast<std::size_t>(r.batch * r.seq)), targets(tokens) {}
  BatchBuffers buffers() { return {{"tokens", std::span(tokens)}, {"targets", std::span(targets)}}; }
  bool operator==(const TextBatch&) const = default;
};

TextBatch train(const BatchSource& source, const BatchRequest& r, std::uint64_t seed, std::int64_t step) {
  TextBatch batch(r);
  source.train_batch(seed, step, batch.buffers());
  return batch;
}

// Byte i of the text is 1 + i % 251, so that a token tells where its window stands.
std::string counting_text(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(1 + i % 251);
  return text;
}

Corpus text_corpus(const TemporaryFolder& folder, std::size_t train_bytes, std::size_t valid_bytes) {
  folder.write("made/train.txt", counting_text(train_bytes));
  folder.write("made/valid.txt", counting_text(valid_bytes));
  return open_corpus("made", folder.path());
}

TEST(TextBatches, TargetsAreTheTokensOnePlaceOn) {
  const TemporaryFolder folder;
  const BatchRequest request{.batch = 5, .seq = 12};
  const auto source = open_batches(text_corpus(folder, 5000, 900), {}, request);
  const TextBatch batch = train(*source, request, 3, 0);
  for (std::size_t i = 0; i < batch.tokens.size(); ++i)
    EXPECT_EQ(batch.targets[i], batch.tokens[i] % 251 + 1);
  ASSERT_EQ(source->inputs().size(), 2U);
  EXPECT_EQ(source->inputs()[0].name, "tokens");
  EXPECT_EQ(source->inputs()[1].shape, (std::vector<std::int64_t>{5, 12}));
}

TEST(TextBatches, AreAPureFunctionOfSeedAndStep) {
  const TemporaryFolder folder;
  const BatchRequest request{.batch = 4, .seq = 16};
  const Corpus corpus = text_corpus(folder, 50000, 900);
  const auto source = open_batches(corpus, {}, request), again = open_batches(corpus, {}, request);
  const TextBatch batch = train(*source, request, 1, 7);
  (void)train(*source, request, 1, 8);
  EXPECT_EQ(train(*source, request, 1, 7), batch);
  EXPECT_EQ(train(*again, request, 1, 7), batch);
  EXPECT_NE(train(*source, request, 1, 8), batch);
  EXPECT_NE(train(*source, request, 2, 7), batch);
}

TEST(TextBatches, PartsOfAStepAreTheBatchOfAllTheirRows) {
  const TemporaryFolder folder;
  const Corpus corpus = text_corpus(folder, 50000, 900);
  const BatchRequest whole{.batch = 6, .seq = 16}, part{.batch = 2, .seq = 16};
  const TextBatch batch = train(*open_batches(corpus, {}, whole), whole, 1, 7);
  const auto source = open_batches(corpus, {}, part);
  TextBatch parts(whole);
  for (std::int64_t i = 0; i < 3; ++i)
    source->train_batch(1, 7,
                        {{"tokens", std::span(parts.tokens).subspan(static_cast<std::size_t>(32 * i), 32)},
                         {"targets", std::span(parts.targets).subspan(static_cast<std::size_t>(32 * i), 32)}},
                        {i, 3});
  EXPECT_EQ(parts, batch);
}

TEST(TextBatches, EveryWindowIsReachedAboutEquallyOften) {
  const TemporaryFolder folder;
  const BatchRequest request{.batch = 100, .seq = 10};
  const auto source = open_batches(text_corpus(folder, 30, 2000), {}, request);  // 20 windows
  std::vector<int> seen(30);
  for (std::int64_t step = 0; step < 40; ++step) {
    const TextBatch batch = train(*source, request, 0, step);
    for (std::size_t row = 0; row < 100; ++row) ++seen[static_cast<std::size_t>(batch.tokens[10 * row] - 1)];
  }
  for (std::size_t start = 0; start < 30; ++start) {
    if (start < 20)
      EXPECT_NEAR(seen[start], 200, 70) << start;  // 5 standard deviations
    else
      EXPECT_EQ(seen[start], 0) << start;
  }
}

/// Weight of every window in a validation, by its tokens.
std::map<std::vector<std::int32_t>, double> validated(const BatchSource& source,
                                                      const BatchRequest& request) {
  std::map<std::vector<std::int32_t>, double> weights;
  for (std::int64_t index = 0; index < source.valid_batches(); ++index) {
    TextBatch batch(request);
    source.valid_batch(index, batch.buffers());
    for (auto row = batch.tokens.begin(); row != batch.tokens.end(); row += request.seq)
      weights[{row, row + request.seq}] += source.valid_share(index);
  }
  return weights;
}

TEST(TextBatches, ValidationWindowsDoNotOverlapAndSpanTheFile) {
  const TemporaryFolder folder;
  folder.write("made/train.txt", made_text(1000));
  std::string valid;  // two bytes a token position: position p at bytes 2p, 2p + 1
  for (int p = 0; p < 5000; ++p) (valid += static_cast<char>(1 + p / 250)) += static_cast<char>(1 + p % 250);
  folder.write("made/valid.txt", valid);
  const BatchRequest request{.batch = 3, .seq = 20, .valid_targets = 1000};
  const auto source = open_batches(open_corpus("made", folder.path()), {}, request);
  std::set<int> starts;
  for (const auto& [tokens, weight] : validated(*source, request))
    starts.insert(250 * (tokens[0] - 1) + tokens[1] - 1);
  ASSERT_EQ(starts.size(), 50U);  // 1000 / 20
  for (auto next = std::next(starts.begin()); next != starts.end(); ++next)
    EXPECT_GE(*next - *std::prev(next), 10);
  EXPECT_EQ(*starts.begin(), 0);
  EXPECT_GT(*starts.rbegin(), 4800);
}

TEST(TextBatches, ValidationIsTheSameWindowsForEveryBatch) {
  const TemporaryFolder folder;
  folder.write("made/train.txt", made_text(1000));
  folder.write("made/valid.txt", made_text(3000, 2).substr(0, 3000));
  const Corpus corpus = open_corpus("made", folder.path());
  for (const std::int64_t targets : {1, 100, 101, 650, 0}) {
    const BatchRequest one{.batch = 1, .seq = 20, .valid_targets = targets};
    const auto source = open_batches(corpus, {}, one);
    const auto windows = validated(*source, one);
    EXPECT_EQ(windows.size(), targets == 0 ? 149U : static_cast<std::size_t>((targets + 19) / 20));
    for (const std::int64_t batch : {2, 4, 6, 7, 64, 200}) {
      const BatchRequest request{.batch = batch, .seq = 20, .valid_targets = targets};
      const auto other = open_batches(corpus, {}, request);
      const auto same = validated(*other, request);
      ASSERT_EQ(same.size(), windows.size()) << targets << " in batches of " << batch;
      for (const auto& [tokens, weight] : windows) EXPECT_NEAR(same.at(tokens), weight, 1e-12);
      EXPECT_EQ(other->unigram_entropy(), source->unigram_entropy());
      EXPECT_EQ(other->bytes_per_token(), source->bytes_per_token());
    }
  }
}

TEST(TextBatches, ValidationCoversEverythingWhenAskedTo) {
  const TemporaryFolder folder;
  const Corpus corpus = text_corpus(folder, 1000, 2001);
  const auto batches = [&](std::int64_t targets) {
    return open_batches(corpus, {}, {.batch = 4, .seq = 50, .valid_targets = targets})->valid_batches();
  };
  EXPECT_EQ(batches(0), 10);
  EXPECT_EQ(batches(1'000'000), 10);
  EXPECT_EQ(batches(1), 1);
}

TEST(TextBatches, TooShortATextIsAnErrorThatNamesTheLengths) {
  const TemporaryFolder folder;
  const auto open = [&](std::size_t train_bytes, std::size_t valid_bytes) {
    return message_of<DataError>([&] {
      (void)open_batches(text_corpus(folder, train_bytes, valid_bytes), {}, {.batch = 2, .seq = 100});
    });
  };
  const std::string train_text = open(100, 1000), valid_text = open(1000, 100);
  EXPECT_HOLDS(train_text, "train.txt has 100 tokens");
  EXPECT_HOLDS(train_text, "needs 101");
  EXPECT_HOLDS(valid_text, "valid.txt has 100 tokens");
  EXPECT_HOLDS(valid_text, "needs 101");
  EXPECT_EQ(open_batches(text_corpus(folder, 101, 101), {}, {.batch = 2, .seq = 100})->valid_batches(), 1);
  EXPECT_HOLDS(open(0, 0), "has 0 tokens");
}

TEST(TextBatches, TokenIdsTheModelHasNoRoomForAreRefused) {
  const TemporaryFolder folder;
  const Corpus corpus = text_corpus(folder, 1000, 1000);
  const std::string text =
      message_of<DataError>([&] { (void)open_batches(corpus, {}, {.batch = 2, .seq = 10, .vocab = 251}); });
  EXPECT_HOLDS(text, "token ids up to 251");
  EXPECT_HOLDS(text, "did you mean vocab 256?");
  EXPECT_EQ(open_batches(corpus, {}, {.batch = 2, .seq = 10, .vocab = 252})->vocab(), 256);
}

TEST(TextBatches, EntropyIsThatOfTheTargetsValidated) {
  const TemporaryFolder folder;
  const auto source = open_batches(text_corpus(folder, 1000, 251 * 10 + 1), {}, {.batch = 2, .seq = 10});
  EXPECT_NEAR(source->unigram_entropy(), std::log(251.0), 1e-9);
  EXPECT_EQ(source->bytes_per_token(), 1);
  const auto one_window =
      open_batches(text_corpus(folder, 1000, 2511), {}, {.batch = 2, .seq = 10, .valid_targets = 10});
  EXPECT_NEAR(one_window->unigram_entropy(), std::log(10.0), 1e-9);
}

TEST(TextBatches, DrawFromBytePairsWithTheirOwnFingerprint) {
  const TemporaryFolder folder;
  folder.write("made/train.txt", made_text(60000));
  folder.write("made/valid.txt", made_text(9000, 2));
  const Corpus corpus = open_corpus("made", folder.path());
  const BatchRequest request{.batch = 2, .seq = 30, .vocab = 300};
  const auto source = open_batches(corpus, {"bpe", 300}, request), bytes = open_batches(corpus, {}, request);
  EXPECT_NE(source->data_sha256(), bytes->data_sha256());
  EXPECT_GT(source->bytes_per_token(), 1.5);
  const TextBatch batch = train(*source, request, 0, 0);
  EXPECT_LT(*std::max_element(batch.tokens.begin(), batch.tokens.end()), 300);
  EXPECT_GT(*std::max_element(batch.tokens.begin(), batch.tokens.end()), 255);
}

TEST(TextBatches, WrongBuffersAndIndicesAreErrorsNotCrashes) {
  const TemporaryFolder folder;
  const BatchRequest request{.batch = 2, .seq = 10};
  const auto source = open_batches(text_corpus(folder, 1000, 1000), {}, request);
  TextBatch batch(request);
  std::vector<float> floats(20);
  const std::span<std::int32_t> some = std::span(batch.tokens).first(19);
  EXPECT_HOLDS(message_of<DataError>([&] {
                 source->train_batch(0, 0, {{"tokens", some}});
               }),
               "19 s32; expected 20 s32");
  EXPECT_HOLDS(message_of<DataError>([&] {
                 source->train_batch(0, 0, {{"tokens", std::span(floats)}});
               }),
               "20 f32");
  EXPECT_HOLDS(message_of<DataError>([&] {
                 source->train_batch(0, 0, {{"words", some}});
               }),
               "feeds tokens, targets");
  EXPECT_THROW(source->train_batch(0, -1, batch.buffers()), DataError);
  EXPECT_THROW(source->valid_batch(-1, batch.buffers()), DataError);
  EXPECT_THROW(source->valid_batch(source->valid_batches(), batch.buffers()), DataError);
  source->train_batch(0, 0, {{"tokens", std::span(batch.tokens)}});  // an input may be left out
  EXPECT_EQ(batch.tokens, train(*source, request, 0, 0).tokens);
}

TEST(TextBatches, AFileThatShrinksIsAnErrorNotACrash) {
  const TemporaryFolder folder;
  const BatchRequest request{.batch = 2, .seq = 10};
  const auto source = open_batches(text_corpus(folder, 100000, 1000), {}, request);
  std::filesystem::resize_file(folder.path() / "made/train.txt", 0);
  EXPECT_HOLDS(message_of<DataError>([&] { (void)train(*source, request, 0, 0); }), "shrank");
}

TEST(TextBatches, AFileThatIsWrittenToIsAnErrorThoughItsSizeIsTheSame) {
  const TemporaryFolder folder;
  const BatchRequest request{.batch = 2, .seq = 10};
  const auto source = open_batches(text_corpus(folder, 5000, 1000), {}, request);
  const auto file = folder.path() / "made/train.txt";
  const auto written = std::filesystem::last_write_time(file);
  std::fstream(file, std::ios::in | std::ios::out) << "X";
  std::filesystem::last_write_time(file, written + std::chrono::milliseconds(10));
  EXPECT_HOLDS(message_of<DataError>([&] { (void)train(*source, request, 0, 0); }), "was written to");
}

std::string idx(std::uint32_t magic, const std::vector<std::uint32_t>& extents, const std::string& data) {
  std::string bytes;
  const auto put = [&](std::uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(v >> shift);
  };
  put(magic);
  for (const std::uint32_t e : extents) put(e);
  return bytes + data;
}

// n images of 2x3; every pixel of image i is i, its label is i % 10.
Corpus image_corpus(const TemporaryFolder& folder, std::uint32_t train_count, std::uint32_t valid_count) {
  for (const auto& [split, n] : {std::pair{"train", train_count}, {"valid", valid_count}}) {
    std::string pixels, labels;
    for (std::uint32_t i = 0; i < n; ++i) {
      pixels.append(6, static_cast<char>(i));
      labels += static_cast<char>(i % 10);
    }
    folder.write(std::string("shapes/") + split + "-images", idx(0x803, {n, 2, 3}, pixels));
    folder.write(std::string("shapes/") + split + "-labels", idx(0x801, {n}, labels));
  }
  return open_corpus("shapes", folder.path());
}

struct ImageBatch {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  explicit ImageBatch(std::int64_t batch)
      : images(static_cast<std::size_t>(6 * batch)), labels(static_cast<std::size_t>(batch)) {}
  BatchBuffers buffers() { return {{"images", std::span(images)}, {"labels", std::span(labels)}}; }
  int image(std::size_t row) const { return static_cast<int>(std::lround(images[6 * row] * 255)); }
};

TEST(ImageBatches, ShowEveryImageOnceAnEpochInAnOrderOfItsOwn) {
  const TemporaryFolder folder;
  const auto source = open_batches(image_corpus(folder, 100, 50), {}, {.batch = 8});
  std::vector<int> order;
  for (std::int64_t step = 0; step < 25; ++step) {  // 200 images: two epochs, step 12 spans both
    ImageBatch batch(8);
    source->train_batch(5, step, batch.buffers());
    for (std::size_t row = 0; row < 8; ++row) {
      order.push_back(batch.image(row));
      EXPECT_EQ(batch.labels[row], order.back() % 10);
    }
  }
  const std::vector<int> first(order.begin(), order.begin() + 100), second(order.begin() + 100, order.end());
  EXPECT_EQ(std::set<int>(first.begin(), first.end()).size(), 100U);
  EXPECT_EQ(std::set<int>(second.begin(), second.end()).size(), 100U);
  EXPECT_NE(first, second);
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
}

TEST(ImageBatches, PartsOfAStepAreTheBatchOfAllTheirRows) {
  const TemporaryFolder folder;
  const Corpus corpus = image_corpus(folder, 100, 50);
  const auto eight = open_batches(corpus, {}, {.batch = 8}), four = open_batches(corpus, {}, {.batch = 4});
  for (const std::int64_t step : {0, 12}) {
    ImageBatch whole(8);
    eight->train_batch(5, step, whole.buffers());
    for (std::int64_t i = 0; i < 2; ++i) {
      ImageBatch part(4);
      four->train_batch(5, step, part.buffers(), {i, 2});
      for (std::size_t row = 0; row < 4; ++row)
        EXPECT_EQ(part.image(row), whole.image(static_cast<std::size_t>(4 * i) + row));
    }
  }
}

TEST(ImageBatches, AreTheSameInAnyOrderOfAskingAndOnAnyThread) {
  const TemporaryFolder folder;
  const Corpus corpus = image_corpus(folder, 100, 50);
  const auto source = open_batches(corpus, {}, {.batch = 8}), other = open_batches(corpus, {}, {.batch = 8});
  std::vector<ImageBatch> forward(60, ImageBatch(8)), backward(forward);
  std::thread asks([&] {
    for (std::int64_t s = 59; s >= 0; --s)
      other->train_batch(1, s, backward[static_cast<std::size_t>(s)].buffers());
  });
  for (std::int64_t s = 0; s < 60; ++s)
    other->train_batch(2, s, forward[static_cast<std::size_t>(s)].buffers());
  asks.join();
  for (std::int64_t s = 0; s < 60; ++s) {
    ImageBatch batch(8);
    source->train_batch(1, s, batch.buffers());
    EXPECT_EQ(batch.images, backward[static_cast<std::size_t>(s)].images);
    EXPECT_NE(batch.images, forward[static_cast<std::size_t>(s)].images);
  }
}

TEST(ImageBatches, ScalePixelsToOneAndGoThroughValidationInOrder) {
  const TemporaryFolder folder;
  const auto source = open_batches(image_corpus(folder, 256, 256), {}, {.batch = 50, .vocab = 10});
  EXPECT_EQ(source->inputs()[0].shape, (std::vector<std::int64_t>{50, 6}));
  EXPECT_EQ(source->valid_batches(), 7);  // 5 of 50, one of 5, one of 1
  ImageBatch batch(50);
  source->valid_batch(4, batch.buffers());
  EXPECT_EQ(batch.images[0], 200.0F / 255.0F);
  EXPECT_EQ(batch.image(49), 249);
  EXPECT_EQ(source->vocab(), 10);
  EXPECT_EQ(source->bytes_per_token(), 0);
  EXPECT_NEAR(source->unigram_entropy(), std::log(10.0), 1e-3);
}

TEST(ImageBatches, ValidationIsTheSameImagesForEveryBatch) {
  const TemporaryFolder folder;
  const Corpus corpus = image_corpus(folder, 40, 20);
  for (const std::int64_t batch : {1, 4, 6, 21}) {
    const auto source = open_batches(corpus, {}, {.batch = batch, .valid_targets = 13});
    std::map<int, double> weights;
    for (std::int64_t index = 0; index < source->valid_batches(); ++index) {
      ImageBatch images(batch);
      source->valid_batch(index, images.buffers());
      for (std::size_t row = 0; row < static_cast<std::size_t>(batch); ++row)
        weights[images.image(row)] += source->valid_share(index);
    }
    EXPECT_EQ(weights.size(), 13U) << batch;
    for (const auto& [image, weight] : weights) EXPECT_NEAR(weight, 1, 1e-12) << batch;
    EXPECT_EQ(source->unigram_entropy(),
              open_batches(corpus, {}, {.batch = 1, .valid_targets = 13})->unigram_entropy());
  }
}

TEST(ImageBatches, DamagedOrUnfitFilesAreErrors) {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& file, const std::string& bytes,
                        BatchRequest request = {.batch = 8}) {
    const Corpus corpus = image_corpus(folder, 20, 20);
    if (!file.empty()) folder.write("shapes/" + file, bytes);
    return message_of<DataError>([&] { (void)open_batches(corpus, {}, request); });
  };
  EXPECT_HOLDS(open("train-images", "short"), "train-images: found another kind of file");
  EXPECT_HOLDS(open("train-images", idx(0x803, {20, 2, 3}, "few")), "found 3 bytes after the header");
  EXPECT_HOLDS(open("train-images", idx(0x803, {0xffffffff, 0xffffffff, 0xffffffff}, "few")), "does not fit");
  EXPECT_HOLDS(open("train-images", idx(0x803, {0, 2, 3}, "")), "does not fit");
  EXPECT_HOLDS(open("valid-labels", idx(0x801, {3}, "abc")), "expected 20, one an image");
  EXPECT_HOLDS(open("valid-images", idx(0x803, {20, 1, 1}, std::string(20, 'x'))), "expected the same");
  EXPECT_HOLDS(open("", "", {.batch = 8, .vocab = 9}), "did you mean 10?");
  EXPECT_HOLDS(open("", "", {.batch = 0}), "batch: found 0");
}

}  // namespace
}  // namespace isorbit::experiments
