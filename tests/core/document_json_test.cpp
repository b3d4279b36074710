#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/document/json.hpp"
#include "core/document/problem.hpp"

namespace isorbit::core {
namespace {

std::string fault(std::string_view text) {
  try {
    (void)parse_document(text, "d.json");
  } catch (const DocumentError& error) {
    return error.what();
  }
  return "accepted";
}

std::string place(Position p) { return std::to_string(p.line) + ":" + std::to_string(p.column); }

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("isorbit-json-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string name(const std::string& file) const { return (path_ / file).string(); }

 private:
  std::filesystem::path path_;
};

TEST(ReadDocument, PositionsAreTheFirstCharacterOfEachValue) {
  const auto d = parse_document(
      "{ \"a\" : 12,\n\t\"b\":[true , {\"c\":null}, \"x,]\\\"\" ,-1.5e3],\r\n \"é\": \"ü\", \"d\": {}}",
      "d.json");
  EXPECT_EQ(place(d.position("")), "1:1");
  EXPECT_EQ(place(d.position("/a")), "1:9");
  EXPECT_EQ(place(d.position("/b")), "2:6");
  EXPECT_EQ(place(d.position("/b/0")), "2:7");
  EXPECT_EQ(place(d.position("/b/1")), "2:14");
  EXPECT_EQ(place(d.position("/b/1/c")), "2:19");
  EXPECT_EQ(place(d.position("/b/2")), "2:26");
  EXPECT_EQ(place(d.position("/b/3")), "2:35");
  EXPECT_EQ(place(d.position("/é")), "3:7");
  EXPECT_EQ(place(d.position("/d")), "3:17");
  EXPECT_EQ(place(d.key_position("/d")), "3:12");
  EXPECT_EQ(place(d.key_position("/b/1/c")), "2:15");
  EXPECT_EQ(d.root.dump(), R"({"a":12,"b":[true,{"c":null},"x,]\"",-1500.0],"é":"ü","d":{}})");
}

TEST(ReadDocument, AnAbsentValueStandsWhereItsNearestAncestorDoes) {
  const auto d = parse_document("{\n \"a\": {\"b\": 1}}", "d.json");
  EXPECT_EQ(place(d.position("/a/x/y")), "2:7");
  EXPECT_EQ(place(d.position("/z")), "1:1");
  EXPECT_EQ(place(d.key_position("/a/x")), "2:7");
  EXPECT_EQ(place(Document{}.position("/a")), "0:0");
}

TEST(ReadDocument, PointersEscapeTildeAndSlash) {
  const auto d = parse_document(R"({"a/b": {"~": 1, "": [2]}})", "d.json");
  EXPECT_EQ(pointer_join("", "a/b"), "/a~1b");
  EXPECT_EQ(place(d.position("/a~1b/~0")), "1:15");
  EXPECT_EQ(place(d.position("/a~1b//0")), "1:23");
  EXPECT_EQ(pointer_join("/x", std::size_t{3}), "/x/3");
}

TEST(ReadDocument, OrderOfKeysIsKept) {
  EXPECT_EQ(parse_document(R"({"z":1,"a":2,"m":3})", "").root.dump(), R"({"z":1,"a":2,"m":3})");
}

TEST(ReadDocument, ScalarsAndSpaceAreDocuments) {
  EXPECT_EQ(parse_document(" \n 3 \r\n", "").root, Json(3));
  EXPECT_EQ(parse_document("9007199254740992", "").root, Json(9007199254740992));
  EXPECT_EQ(parse_document("\"\\ud83d\\ude00\"", "").root, Json("\U0001F600"));
}

TEST(ReadDocument, TruncatedDocumentsSayWhatWasExpected) {
  EXPECT_EQ(fault("{\"a\": 1"), "d.json:1:8 #: found end of file; expected ',' or '}'");
  EXPECT_EQ(fault("{\"a\": [1,\n 2"), "d.json:2:3 #/a: found end of file; expected ',' or ']'");
  EXPECT_EQ(fault("{\"a\": [1,"), "d.json:1:10 #/a: found end of file; expected a value");
  EXPECT_EQ(fault("{\"a\""), "d.json:1:5 #/a: found end of file; expected ':'");
  EXPECT_EQ(fault("{\"a\":"), "d.json:1:6 #/a: found end of file; expected a value");
  EXPECT_EQ(fault("{"), "d.json:1:2 #: found end of file; expected a key in double quotes or '}'");
  EXPECT_EQ(fault("["), "d.json:1:2 #: found end of file; expected a value or ']'");
  EXPECT_EQ(fault("{\"a\":1,"), "d.json:1:8 #: found end of file; expected a key in double quotes");
  EXPECT_EQ(fault(" \n"), "d.json:2:1 #: found end of file; expected a value");
  EXPECT_EQ(fault(""), "d.json:1:1 #: found an empty file; expected a value");
  EXPECT_EQ(fault("[\"ab"), "d.json:1:5 #: found end of file; expected '\"'; because a text starts at 1:2");
  EXPECT_EQ(fault("\"ab\\"), "d.json:1:5 #: found end of file; expected '\"'; because a text starts at 1:1");
  EXPECT_EQ(fault("{\"a\": tru"),
            "d.json:1:7 #/a: found tru; expected a value; because keys and texts stand in "
            "double quotes; did you mean \"tru\"?");
}

TEST(ReadDocument, PunctuationInTheWrongPlaceIsNamed) {
  EXPECT_EQ(fault("{\"a\": 1 \"b\": 2}"), "d.json:1:9 #: found \"b\"; expected ',' or '}'");
  EXPECT_EQ(fault("{\"a\": 1,}"),
            "d.json:1:9 #: found '}'; expected a key in double quotes; because nothing follows "
            "the comma before it");
  EXPECT_EQ(fault("[1,]"),
            "d.json:1:4 #: found ']'; expected a value; because nothing follows the comma before it");
  EXPECT_EQ(fault("[1}"), "d.json:1:3 #: found '}'; expected ',' or ']'");
  EXPECT_EQ(fault("{\"a\" 1}"), "d.json:1:6 #/a: found 1; expected ':'");
  EXPECT_EQ(fault("{a: 1}"),
            "d.json:1:2 #: found a; expected a key in double quotes or '}'; because keys and texts "
            "stand in double quotes; did you mean \"a\"?");
  EXPECT_EQ(fault("{'a': 1}"),
            "d.json:1:2 #: found a single quote; expected a key in double quotes or '}'; because "
            "keys and texts stand in double quotes");
  EXPECT_EQ(fault("{} x"), "d.json:1:4 #: found x; expected the end of the file");
  EXPECT_EQ(fault("[] []"), "d.json:1:4 #: found '['; expected the end of the file");
  EXPECT_EQ(fault("]"), "d.json:1:1 #: found ']'; expected a value");
}

TEST(ReadDocument, CommentsAreRefusedWithAnotherWay) {
  const std::string advice = "because JSON has no comments; did you mean a key that starts with \"x-\"?";
  EXPECT_EQ(fault("{\"a\": 1 // one\n}"), "d.json:1:9 #: found a comment; expected ',' or '}'; " + advice);
  EXPECT_EQ(fault("/* c */ {}"), "d.json:1:1 #: found a comment; expected a value; " + advice);
  EXPECT_EQ(fault("# c\n{}"), "d.json:1:1 #: found a comment; expected a value; " + advice);
}

TEST(ReadDocument, DuplicateKeysNameBothPlaces) {
  EXPECT_EQ(
      fault("{\"a\": {\"k\": 1,\n \"k\": 2}}"),
      "d.json:2:2 #/a: found key \"k\" a second time; expected each key once; because it stands at 1:8 too");
  EXPECT_EQ(fault("{\"a\": 1, \"\\u0061\": 2}").find("d.json:1:10 #: found key \"a\" a second time"), 0U);
  EXPECT_EQ(fault("[{\"k\": 1}, {\"k\": 1}]"), "accepted");
}

TEST(ReadDocument, NumbersThatAreNotFiniteOrExactAreRefused) {
  EXPECT_EQ(fault("[NaN]"), "d.json:1:2 #: found NaN; expected a finite number");
  EXPECT_EQ(fault("[-Infinity]"), "d.json:1:2 #: found -Infinity; expected a finite number");
  EXPECT_EQ(fault("{\"a\": 1e999}"),
            "d.json:1:7 #/a: found 1e999; expected a finite number; because it is beyond 1.8e308");
  for (const char* number :
       {"9007199254740993", "-9007199254740993", "18446744073709551616", "-9223372036854775809"}) {
    EXPECT_EQ(fault("{\"a\": [1, " + std::string(number) + "]}"),
              "d.json:1:11 #/a/1: found " + std::string(number) +
                  "; expected an integer between -9007199254740992 and 9007199254740992; because a larger "
                  "one would "
                  "lose digits");
  }
  for (const char* number : {"01", "+1", ".5", "1.", "1e", "0x10", "--1", "-"}) {
    EXPECT_NE(fault("[" + std::string(number) + "]").find(" found " + std::string(number) + "; expected "),
              std::string::npos)
        << fault("[" + std::string(number) + "]");
  }
  EXPECT_EQ(fault(std::string(100000, '9')).substr(0, 30), "d.json:1:1 #: found 9999999999");
  EXPECT_LT(fault(std::string(100000, '9')).size(), 300U);
}

TEST(ReadDocument, OtherLanguagesWordsAreTranslated) {
  EXPECT_EQ(fault("[True]"), "d.json:1:2 #: found True; expected a value or ']'; did you mean true?");
  EXPECT_EQ(fault("[None]"), "d.json:1:2 #: found None; expected a value or ']'; did you mean null?");
}

TEST(ReadDocument, FaultsInsideTextsArePlacedExactly) {
  EXPECT_EQ(fault("[\"é\xFF\"]"), "d.json:1:4 #: found byte 0xFF, which is not UTF-8; expected UTF-8 text");
  EXPECT_EQ(fault("[\"\xED\xA0\x80\"]"),
            "d.json:1:3 #: found byte 0xED, which is not UTF-8; expected UTF-8 text");
  EXPECT_EQ(fault("[\"\xC0\xAF\"]"),
            "d.json:1:3 #: found byte 0xC0, which is not UTF-8; expected UTF-8 text");
  EXPECT_EQ(fault("[\"a\nb\"]"),
            "d.json:1:4 #: found a line break inside a text; expected '\"' or the escape \\n");
  EXPECT_EQ(fault("[\"a\tb\"]"),
            "d.json:1:4 #: found control character U+0009 inside a text; expected the escape \\u0009");
  EXPECT_EQ(fault("[\"\\q\"]"),
            "d.json:1:3 #: found the escape \\q; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
            "\\uXXXX; did you mean \\\\ for a backslash?");
  EXPECT_EQ(fault("[\"\\u12g4\"]"),
            "d.json:1:3 #: found an incomplete \\u escape; expected \\u and four hexadecimal digits");
  EXPECT_EQ(fault("[\"\\ud800x\"]"),
            "d.json:1:3 #: found \\ud800, half of a surrogate pair; expected both halves, "
            "\\uD800-\\uDBFF then \\uDC00-\\uDFFF");
  EXPECT_EQ(fault("[\"\\udc00\"]").substr(0, 27), "d.json:1:3 #: found \\udc00,");
  EXPECT_EQ(fault("\xFF"), "d.json:1:1 #: found byte 0xFF, which is not UTF-8; expected a value");
}

TEST(ReadDocument, NulBytesDoNotEndADocument) {
  using namespace std::string_view_literals;
  EXPECT_EQ(fault("{}\0{}"sv), "d.json:1:3 #: found control character U+0000; expected the end of the file");
  EXPECT_EQ(fault("{\"a\":\0 1}"sv), "d.json:1:6 #/a: found control character U+0000; expected a value");
  EXPECT_EQ(fault("\"a\0\""sv),
            "d.json:1:3 #: found control character U+0000 inside a text; expected the escape \\u0000");
}

TEST(ReadDocument, AByteOrderMarkIsRefused) {
  EXPECT_EQ(fault("\xEF\xBB\xBF{}"), "d.json:1:1 #: found a byte order mark; expected UTF-8 without one");
}

TEST(ReadDocument, NestingIsLimitedWithoutUsingTheStack) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(fault(nested(64)), "accepted");
  EXPECT_NE(fault(nested(65)).find("found a value nested deeper than 64 levels"), std::string::npos);
  EXPECT_EQ(fault(nested(100000)).find("d.json:1:65 "), 0U);
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_NE(fault(objects).find("deeper than 64"), std::string::npos);
}

TEST(ReadDocument, LengthIsLimited) {
  EXPECT_EQ(fault(std::string((16U << 20) + 1, ' ')),
            "d.json:1:1 #: found more than 16 MiB; expected a document of at most 16 MiB");
}

TEST(ReadDocument, ManyKeysAndLongPointersStayAffordable) {
  std::string keys = "{";
  for (int i = 0; i < 200000; ++i) keys += "\"k" + std::to_string(i) + "\":0,";
  keys.back() = '}';
  EXPECT_EQ(parse_document(keys, "").root.size(), 200000U);
  // A pointer of a megabyte for each of a million values would be a terabyte.
  std::string values = "{\"" + std::string(1U << 20, 'k') + "\":[";
  for (int i = 0; i < 100000; ++i) values += "0,";
  values.back() = ']';
  EXPECT_EQ(parse_document(values + "}", "").root.begin()->size(), 100000U);
}

TEST(ReadDocument, DamagedDocumentsAreReadOrRefusedInOurWords) {
  const std::string whole =
      "{\"name\": \"llama\", \"n\": [1, -2.5e-3, true, null, \"\\u00e9\\n\"], \"o\": {\"a\": {}, \"é\": "
      "[]}}\n";
  const std::string pieces = "{}[]\":,\\/ \n0123eE+-.aut'#\x80\xFF";
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      const char piece = pieces[random() % pieces.size()];
      switch (random() % 4) {
        case 0:
          text[at] = piece;
          break;
        case 1:
          text.insert(at, 1, piece);
          break;
        case 2:
          text.replace(at, 1, " ");
          break;
        default:
          text.resize(at + 1);
          break;
      }
    }
    try {
      const auto d = parse_document(text, "d.json");
      EXPECT_EQ(Json::parse(text), d.root);
    } catch (const DocumentError& error) {
      ++refused;
      ASSERT_EQ(error.problems().size(), 1U);
      const Problem& problem = error.problems()[0];
      EXPECT_GE(problem.position.line, 1) << text;
      EXPECT_GE(problem.position.column, 1) << text;
      EXPECT_FALSE(problem.found.empty()) << text;
      EXPECT_FALSE(problem.expected.empty()) << text;
      EXPECT_EQ(problem.text().find("json.exception"), std::string::npos);
    }
  }
  EXPECT_GT(refused, 5000);
}

TEST(ReadDocument, FilesThatCannotBeReadAreNamed) {
  const Folder folder;
  const auto reason = [](const std::string& file) -> std::string {
    try {
      (void)read_document(file);
    } catch (const DocumentError& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string good = folder.write("model.json", "{\"a\": 1}");
  EXPECT_EQ(read_document(good).root, Json({{"a", 1}}));
  EXPECT_EQ(read_document(good).file, good);
  EXPECT_EQ(reason(folder.name("modle.json")),
            folder.name("modle.json") + " #: found no such file; expected a JSON document; did you mean \"" +
                good + "\"?");
  EXPECT_EQ(reason(folder.name("")), folder.name("") + " #: found a directory; expected a JSON document");
  EXPECT_EQ(reason(folder.write("bad.json", "{\n")),
            folder.name("bad.json") + ":2:1 #: found end of file; expected a key in double quotes or '}'");
  EXPECT_EQ(reason(folder.write("empty.json", "")),
            folder.name("empty.json") + ":1:1 #: found an empty file; expected a value");
  EXPECT_NE(reason("/dev/zero").find("16 MiB"), std::string::npos);
}

TEST(Canonical, DocumentsThatMeanTheSameAgree) {
  const auto form = [](std::string_view text) { return canonical(parse_document(text, "").root); };
  EXPECT_EQ(form("{\"b\": 1e3, \"a\": [1.0, -0.0, 0.1, \"é\\n\"], \"c\": {}}"),
            "{\"a\":[1,0,0.1,\"é\\n\"],\"b\":1000,\"c\":{}}");
  EXPECT_EQ(form("{\"a\":1000,\"b\":2}"), form("{ \"b\": 2.0, \"a\": 1000.0 }"));
  EXPECT_EQ(form("[1e20]"), "[1e+20]");
  EXPECT_EQ(form("[0.30000000000000004]"), "[0.30000000000000004]");
  EXPECT_EQ(form("[[],[{}],true,null]"), "[[],[{}],true,null]");
  EXPECT_EQ(canonical(Json(0x1p60)), canonical(Json(std::int64_t{1} << 60)));
  EXPECT_THROW((void)canonical(Json(std::nan(""))), std::domain_error);
}

}  // namespace
}  // namespace isorbit::core
