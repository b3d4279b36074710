#include <gtest/gtest.h>

#include <set>

#include "experiments/evaluation/items.hpp"
#include "experiments/tasks/parts/wordnet.hpp"
#include "experiments/tasks/parts/words.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

using tasks::parse_wordnet;
using tasks::stand_in;
using tasks::Synset;

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Words, AreRunsOfLettersInLowerCase) {
  std::vector<std::string> found;
  for (const auto& word : tasks::words_of("Don't, _so_ -- Mr. O'Brien's 'quote' 42x"))
    found.push_back(word.lower);
  EXPECT_EQ(found, (std::vector<std::string>{"don't", "so", "mr", "o'brien's", "quote", "x"}));
  EXPECT_EQ(tasks::count_words("The cat, the CAT and the dog").at("cat"), 2);
}

TEST(StandIn, FindsSentencesWordForWordWhateverIsBetween) {
  const std::string text = "It began. \"The cat sat,\non the _mat_ by  the door\"; and slept.";
  const std::vector<bool> found =
      stand_in({"the cat sat on the mat", "The cat sat on the mat by the door and slept!",
                "the cat sat on the rug by the door", "by the door and slept for long"},
               text);
  EXPECT_EQ(found, (std::vector<bool>{true, true, false, false}));
}

TEST(WordNet, LinesBecomeSynsets) {
  const std::string text =
      "  1 This software and database is being provided to you\n"
      "00001740 03 n 02 entity 0 physical_thing 0 000 | that which is  \n"
      "00002098 00 s 0c big 0 large(p) 1 Great 0 a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 001 & 0 a 0 | of size; "
      "\"a large house\"; \"big plans; small means\"\n";
  const std::vector<Synset> synsets = parse_wordnet(text, "data.adj");
  ASSERT_EQ(synsets.size(), 2U);
  EXPECT_EQ(synsets[0].lemmas, std::vector<std::string>{"entity"});
  EXPECT_TRUE(synsets[0].examples.empty());
  EXPECT_EQ(synsets[1].word_class, 'a');
  EXPECT_EQ(synsets[1].lemmas.size(), 11U) << "twelve words, one of them a name";
  EXPECT_EQ(synsets[1].lemmas[1], "large");
  EXPECT_EQ(synsets[1].examples, (std::vector<std::string>{"a large house", "big plans; small means"}));
  EXPECT_HOLDS(message_of<DataError>([] { (void)parse_wordnet("oops\n", "data.noun"); }),
               "data.noun:1: found \"oops\"; expected a synset");
}

/// A data directory with a corpus and a small WordNet.
class Tasks : public ::testing::Test {
 protected:
  const TemporaryFolder cache_;
  const CacheIn kept_{cache_.path()};
  void write(const std::string& train, const std::string& valid) const {
    folder_.write("toy/train.txt", train);
    folder_.write("toy/valid.txt", valid);
  }
  std::vector<Item> items(const std::string& task) const {
    return items_of(task_named(task), open_corpus("toy", folder_.path()), folder_.path());
  }
  void write_wordnet(const std::string& nouns) const {
    folder_.write("wordnet/data.noun", nouns);
    for (const char* part : {"verb", "adj", "adv"}) folder_.write(std::string("wordnet/data.") + part, "");
  }
  TemporaryFolder folder_;
};

constexpr const char* kNouns =
    "00000001 03 n 01 store 0 000 | a shop; \"they went to the store to look at the shoes\"\n"
    "00000002 03 n 02 house 0 home 0 000 | a dwelling; \"he left the house early in the morning\"; "
    "\"the old house stood alone on a hill\"\n"
    "00000003 03 n 01 river 0 000 | water; \"a house\"\n"
    "00000004 03 n 01 garden 0 000 | plants\n"
    "00000005 03 n 01 letter 0 000 | writing\n"
    "00000006 03 n 01 window 0 000 | glass; \"window after window broke in the house that night\"\n"
    "00000007 03 n 01 zebra 0 000 | animal; \"a zebra is an animal with black and white stripes\"\n";

TEST_F(Tasks, AClozeAsksForAWordAmongThreeOfItsClassAndFrequency) {
  write(
      repeated("store house home river garden letter window ", 6) + "the old house stood, alone; on a hill.",
      "unread held out text");
  write_wordnet(kNouns);
  const std::vector<Item> found = items("wordnet_cloze");
  ASSERT_EQ(found.size(), 2U)
      << "one is in the training text, one asks for a word twice there, one for a word unseen";
  const std::set<std::string> frequent = {"store", "house", "home", "river", "garden", "letter", "window"};
  for (const Item& item : found) {
    const std::string answer = item.choices.at(item.answer);
    EXPECT_EQ(item.before + answer + item.after, answer == "store"
                                                     ? "they went to the store to look at the shoes"
                                                     : "he left the house early in the morning");
    const std::set<std::string> distinct(item.choices.begin(), item.choices.end());
    EXPECT_EQ(distinct.size(), 4U);
    for (const std::string& choice : item.choices) EXPECT_TRUE(frequent.contains(choice)) << choice;
    EXPECT_FALSE(answer == "house" && distinct.contains("home")) << "it is in a synset with the answer";
  }
  EXPECT_EQ(items("wordnet_cloze")[0].choices, found[0].choices) << "kept and read again";
  EXPECT_EQ(listing(folder_.path() / "toy"), "train.txt\nvalid.txt\n");
}

TEST_F(Tasks, WhatWasKeptIsMadeAgainForAnotherText) {
  write_wordnet(kNouns);
  write(repeated("store house home river garden letter window ", 6), "unread held out text");
  EXPECT_EQ(items("wordnet_cloze").size(), 3U) << "nothing of it is in the training text now";
  write(repeated("store river garden letter window ", 6), "unread held out text");
  EXPECT_EQ(items("wordnet_cloze").size(), 1U) << "no house is seen five times";
  for (const auto& entry : std::filesystem::directory_iterator(cache_.path() / "isorbit/items"))
    std::ofstream(entry.path()) << "{";
  EXPECT_EQ(items("wordnet_cloze").size(), 1U);
}

TEST_F(Tasks, AMissingWordNetIsSaidWithTheCommandThatFetchesIt) {
  write("some text", "some text");
  EXPECT_HOLDS(message_of<DataError>([&] { (void)items("wordnet_cloze"); }),
               "experiments/data/fetch.sh wordnet");
}

TEST_F(Tasks, AgreementIsBalancedInBothDirectionsOfEachPair) {
  write("Nothing of this is there.",
        "The captain was very pleased with them. The ladies were very pleased with him.\n"
        "His sister was not at home that day. Her brothers were\nnot at home that day either.\n\n"
        "The house was cold in the winter months.\n\n"
        "Mr. Elliot has a great deal of money. They have a very fine house there.\n"
        "She would have gone there with her sister. To have seen it was enough for him.\n"
        "Is there a letter for me today, Anne? He is what they are and will be.\n"
        "It is short. Nobody is ever quite as sure as Anne.");
  const std::vector<Item> found = items("agreement");
  std::map<std::string, int> answers;
  for (const Item& item : found) {
    ASSERT_EQ(item.choices.size(), 2U);
    ++answers[item.choices[item.answer]];
    EXPECT_EQ(item.before.find("would"), std::string::npos) << "an infinitive agrees with nothing";
  }
  EXPECT_EQ(answers, (std::map<std::string, int>{{"was", 2}, {"were", 2}, {"has", 1}, {"have", 1}}))
      << "no is without an are";
  const auto has = std::ranges::find_if(found, [](const Item& i) { return i.choices[i.answer] == "has"; });
  EXPECT_EQ(has->before, "Mr. Elliot ") << "a title ends no sentence";
  EXPECT_EQ(has->after, " a great deal of money.");
}

TEST_F(Tasks, ASentenceOfTheTrainingTextIsNotAsked) {
  const std::string singular = "The captain was very pleased with them.",
                    plural = "The ladies were pleased with it all.";
  write("Long ago the captain was very pleased with them!", singular + " " + plural);
  EXPECT_HOLDS(message_of<DataError>([&] { (void)items("agreement"); }), "gives no item");
  write("Long ago.", singular + " " + plural);
  EXPECT_EQ(items("agreement").size(), 2U);
}

}  // namespace
}  // namespace isorbit::experiments
