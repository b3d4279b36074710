#include "experiments/data/tokenizer.hpp"

#include <cmath>
#include <numeric>
#include <thread>

#include "experiments/data/bpe.hpp"
#include "experiments/data/entropy.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

Corpus made_corpus(const TemporaryFolder& folder, std::uint32_t seed = 1) {
  folder.write("made/train.txt", made_text(60000, seed));
  folder.write("made/valid.txt", made_text(9000, seed + 1));
  return open_corpus("made", folder.path());
}

std::vector<std::int32_t> all_of(const Tokens& tokens) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens.size()));
  tokens.copy(0, ids);
  return ids;
}

const TokenizerChoice bpe300{"bpe", 300};

TEST(TokenizerChoice, ReadsBothFormsOfADocument) {
  EXPECT_EQ(TokenizerChoice::from_json("bytes").label(), "bytes");
  EXPECT_EQ(TokenizerChoice::from_json("bpe").label(), "bpe-4096");
  const auto json = [](const char* text) { return TokenizerChoice::from_json(core::Json::parse(text)); };
  EXPECT_EQ(json(R"({"kind": "bpe", "vocab": 1000})").label(), "bpe-1000");
  EXPECT_EQ(json(R"({"kind": "bytes"})").vocab, 256);
  for (const char* bad :
       {R"("words")", R"({"kind": "bpe", "vocab": 70000})", R"({"kind": "bpe", "vocab": 300.5})",
        R"({"kind": "bpe", "size": 300})", R"({"vocab": 300})", "7", R"({"kind": "bytes", "vocab": 300})"})
    EXPECT_THROW((void)json(bad), DataError) << bad;
}

TEST(ByteTokenizer, UsesTheTextItselfAndRestoresEveryByte) {
  const TemporaryFolder folder;
  const TokenizedCorpus corpus = tokenize(made_corpus(folder), {});
  const std::string text = contents(folder.path() / "made/train.txt");
  EXPECT_EQ(corpus.train.path(), folder.path() / "made/train.txt");
  EXPECT_EQ(corpus.tokenizer->decode(all_of(corpus.train)), text);
  EXPECT_EQ(corpus.tokenizer->encode(text), all_of(corpus.train));
  EXPECT_EQ(corpus.tokenizer->bytes_behind_first(all_of(corpus.train)), std::ssize(text) - 1);
  const std::vector<std::int32_t> outside = {256};
  EXPECT_THROW((void)corpus.tokenizer->decode(outside), DataError);
}

TEST(BpeTokenizer, RestoresTextWithItsNewlinesAndSpacesExactly) {
  const TemporaryFolder folder;
  const TokenizedCorpus corpus = tokenize(made_corpus(folder), bpe300);
  EXPECT_EQ(corpus.tokenizer->vocab(), 300);
  EXPECT_EQ(corpus.tokenizer->decode(all_of(corpus.train)), contents(folder.path() / "made/train.txt"));
  EXPECT_EQ(corpus.tokenizer->decode(all_of(corpus.valid)), contents(folder.path() / "made/valid.txt"));
  const std::string odd[] = {"",
                             "\n",
                             "\n\n",
                             " a",
                             "  a  \n b \n",
                             "\tx\r\n",
                             "caf\xc3\xa9 \xe2\x82\xac",
                             std::string("a\0b", 3),
                             "no newline at the end"};
  for (const std::string& text : odd)
    EXPECT_EQ(corpus.tokenizer->decode(corpus.tokenizer->encode(text)), text);
}

TEST(BpeTokenizer, RefusesTextItWouldNotRestore) {
  const TemporaryFolder folder;
  const TokenizedCorpus corpus = tokenize(made_corpus(folder), bpe300);
  for (const char* text : {"not utf-8: \xff\xfe", "a block: \xe2\x96\x81"})
    EXPECT_HOLDS(message_of<DataError>([&] { (void)corpus.tokenizer->encode(text); }), "without loss");
  const std::vector<std::int32_t> outside = {300}, negative = {-1};
  EXPECT_THROW((void)corpus.tokenizer->decode(outside), DataError);
  EXPECT_THROW((void)corpus.tokenizer->decode(negative), DataError);
  folder.write("made/valid.txt", "not utf-8: \xff\n");
  EXPECT_HOLDS(message_of<DataError>([&] { (void)tokenize(open_corpus("made", folder.path()), bpe300); }),
               "valid.txt");
}

TEST(BpeTokenizer, CountsTheBytesThatTokensStandForWhereverTheyAreCut) {
  const TemporaryFolder folder;
  const TokenizedCorpus corpus = tokenize(made_corpus(folder), bpe300);
  const std::string texts[] = {contents(folder.path() / "made/valid.txt"), "\n  two  spaces \n\n end",
                               "a\n b\xc3\xa9\xe2\x82\xac \xf0\x9f\x99\x82\n"};
  for (const std::string& text : texts) {
    std::vector<std::int32_t> ids = corpus.tokenizer->encode("\n" + text);
    const auto newline = std::ranges::find(ids, corpus.tokenizer->encode("\n").back());
    ids.erase(ids.begin(), newline);  // the newline before the text is the first
    for (const std::size_t seq : {1, 2, 7, 1000}) {
      std::int64_t bytes = 0;
      for (std::size_t at = 0; at + 1 < ids.size(); at += seq)
        bytes += corpus.tokenizer->bytes_behind_first(
            std::span(ids).subspan(at, std::min(seq + 1, ids.size() - at)));
      EXPECT_EQ(bytes, std::ssize(text)) << seq;
    }
  }
}

TEST(BpeTokenizer, TrainingIsSilentAndRepeatable) {
  const std::string text = made_text(60000);
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  const std::string first = train_bpe(text, 300, "text");
  EXPECT_EQ(testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(train_bpe(text, 300, "text"), first);
}

TEST(BpeTokenizer, LearnsFromLinesOfAnyLength) {
  std::string text = made_text(300000);
  std::replace(text.begin(), text.end(), '\n', ' ');
  EXPECT_EQ(bpe_tokenizer(train_bpe(text, 300, "text"), "model")->vocab(), 300);
}

TEST(BpeTokenizer, ImpossibleVocabularyIsAnErrorThatNamesTheText) {
  EXPECT_HOLDS(message_of<DataError>([] { (void)train_bpe("a few words", 4096, "short.txt"); }),
               "short.txt (11 bytes)");
  EXPECT_THROW((void)train_bpe(made_text(1000), 260, "short.txt"), DataError);
  EXPECT_HOLDS(message_of<DataError>([] { (void)train_bpe("", 300, "empty.txt"); }),
               "empty.txt is empty; expected a text to make 300 pieces of");
  EXPECT_HOLDS(message_of<DataError>([] { (void)train_bpe("\n\n", 300, "empty.txt"); }),
               "empty.txt holds nothing but line ends");
  EXPECT_THROW((void)bpe_tokenizer("not a model", "some.model"), DataError);
}

TEST(TokenCache, IsUsedAgainForTheSameTextAndAnotherForAnotherAndLiesNotBesideIt) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  const Corpus corpus = made_corpus(folder);
  const std::string before = listing(folder.path());
  const TokenizedCorpus first = tokenize(corpus, bpe300);
  const auto model = token_folder(corpus, bpe300) / "model";
  const auto made = std::filesystem::last_write_time(model);
  EXPECT_EQ(tokenize(open_corpus("made", folder.path()), bpe300).sha256, first.sha256);
  EXPECT_EQ(std::filesystem::last_write_time(model), made);
  const TokenizedCorpus other = tokenize(made_corpus(folder, 7), bpe300);
  EXPECT_NE(other.sha256, first.sha256);
  EXPECT_EQ(std::filesystem::last_write_time(model), made);
  EXPECT_EQ(listing(folder.path()), before);
  EXPECT_EQ(other.tokenizer->decode(all_of(other.train)), contents(folder.path() / "made/train.txt"));
}

TEST(TokenCache, IsNotNeeded) {
  const TemporaryFolder folder, cache;
  const Corpus corpus = made_corpus(folder);
  const std::string once = tokenize(corpus, bpe300).sha256;
  cache.write("isorbit", "a file where the folder should be");
  const CacheIn kept(cache.path());
  const TokenizedCorpus again = tokenize(corpus, bpe300);
  EXPECT_EQ(again.sha256, once);
  EXPECT_EQ(again.tokenizer->decode(all_of(again.train)), contents(folder.path() / "made/train.txt"));
}

TEST(TokenCache, DamagedFilesAreMadeAgain) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  const Corpus corpus = made_corpus(folder);
  const TokenizedCorpus whole = tokenize(corpus, bpe300);
  for (const char* name : {"model", "train.u16", "valid.u16", "tokens.json"}) {
    const std::filesystem::path file = token_folder(corpus, bpe300) / name;
    const std::string bytes = contents(file);
    for (const std::string& damage :
         {std::string(), bytes.substr(0, bytes.size() / 2), std::string(2000, 'z')}) {
      std::ofstream(file, std::ios::binary) << damage;
      EXPECT_EQ(tokenize(corpus, bpe300).sha256, whole.sha256) << file;
      EXPECT_EQ(contents(file), bytes) << file;
    }
    std::filesystem::remove(file);
    EXPECT_EQ(tokenize(corpus, bpe300).sha256, whole.sha256) << file;
  }
}

TEST(TokenCache, TwoBuildersMayRace) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  const Corpus corpus = made_corpus(folder);
  std::string found[2];
  const auto build = [&](int i) { found[i] = tokenize(corpus, bpe300).sha256; };
  std::thread other(build, 1);
  build(0);
  other.join();
  EXPECT_EQ(found[0], found[1]);
  for (const auto& entry : std::filesystem::directory_iterator(token_folder(corpus, bpe300)))
    EXPECT_NE(entry.path().extension(), ".part");
}

TEST(Tokens, RefuseARangeOutsideTheirFileAndHalfAToken) {
  const TemporaryFolder folder;
  const Tokens tokens(folder.write("f", "abcdef"), 2);
  EXPECT_EQ(tokens.size(), 3);
  std::vector<std::int32_t> out(2);
  tokens.copy(1, out);
  EXPECT_EQ(out, (std::vector<std::int32_t>{'c' + 256 * 'd', 'e' + 256 * 'f'}));
  for (const std::int64_t offset : {std::int64_t{-1}, std::int64_t{2}, std::int64_t{1} << 62})
    EXPECT_THROW(tokens.copy(offset, out), DataError);
  EXPECT_THROW(Tokens(folder.path() / "f", 4), DataError);
  EXPECT_THROW(Tokens(folder.write("odd", "abc"), 2), DataError);
}

TEST(UnigramEntropy, OfUniformTokensIsTheLogarithmOfTheirNumber) {
  const std::vector<std::uint64_t> uniform(8, 5), sure = {0, 7, 0}, none, biased = {1, 3};
  EXPECT_NEAR(unigram_entropy(uniform), std::log(8.0), 1e-12);
  EXPECT_EQ(unigram_entropy(sure), 0);
  EXPECT_EQ(unigram_entropy(none), 0);
  EXPECT_NEAR(unigram_entropy(biased), 0.25 * std::log(4.0) + 0.75 * std::log(4.0 / 3.0), 1e-12);
}

}  // namespace
}  // namespace isorbit::experiments
