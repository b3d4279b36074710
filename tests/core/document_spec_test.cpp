#include <gtest/gtest.h>

#include "core/document/spec.hpp"

namespace isorbit::core {
namespace {

struct Outcome {
  std::string value;
  std::string problems;
};

Outcome check(const std::string& text, const Spec& spec, const Constants* constants = nullptr) {
  const auto document = parse_document(text, "d");
  Problems problems;
  const Json value = resolve(document.root, spec, {&document, "", constants}, problems);
  try {
    problems.throw_if_any();
  } catch (const DocumentError& error) {
    return {value.dump(), error.what()};
  }
  return {value.dump(), ""};
}

std::string problem(const std::string& text, const Spec& spec, const Constants* constants = nullptr) {
  return check(text, spec, constants).problems;
}

Spec update() {
  return Spec::variant(
      "kind", {{"adam", Spec::object({{"beta2", Spec::number().above(0).below(1), "second", 0.999}})},
               {"lion", Spec::object({{"beta", Spec::number(), "decay"}})}});
}

Spec training() {
  return Spec::object({{"steps", Spec::integer().at_least(1), "how many updates"},
                       {"block_size", Spec::integer(), "rows of a block", 64},
                       {"clip", Spec::number().above(0), "largest norm", Json(nullptr)},
                       {"note", Spec::text(), "free text", {}, true}});
}

TEST(Spec, DefaultsAreFilledInInTheOrderOfTheFields) {
  EXPECT_EQ(check(R"({"block_size": 32, "steps": 5})", training()).value,
            R"({"steps":5,"block_size":32,"clip":null})");
  EXPECT_EQ(check(R"({"steps": 5, "note": "n", "clip": null})", training()).value,
            R"({"steps":5,"block_size":64,"clip":null,"note":"n"})");
  const Spec outer = Spec::object({{"training", training(), "", Json::parse(R"({"steps": 7})")}});
  EXPECT_EQ(check("{}", outer).value, R"({"training":{"steps":7,"block_size":64,"clip":null}})");
}

TEST(Spec, UnknownKeysAreSuggestedForAtTheirKey) {
  EXPECT_EQ(problem("{\"steps\": 1,\n \"blok_size\": 3}", training()),
            "d:2:2 #/blok_size: found key \"blok_size\"; expected one of \"steps\", \"block_size\", "
            "\"clip\", \"note\"; "
            "did you mean \"block_size\"?");
  EXPECT_EQ(problem(R"({"a": 1})", Spec::object({})), "d:1:2 #/a: found key \"a\"; expected no key");
}

TEST(Spec, NotesAndTheSchemaKeyAreLegalAndLeftOut) {
  EXPECT_EQ(check(R"({"$schema": "s.json", "x-note": [1], "steps": 1})", training()).value,
            R"({"steps":1,"block_size":64,"clip":null})");
  const Spec outer = Spec::object({{"inner", training(), ""}});
  EXPECT_EQ(problem(R"({"inner": {"steps": 1, "x-a": 1}})", outer), "");
  EXPECT_NE(problem(R"({"inner": {"steps": 1, "$schema": ""}})", outer), "");
  EXPECT_EQ(check(R"({"$schema": "s", "x-large": 2})", Spec::map(Spec::integer())).value, R"({"x-large":2})");
  EXPECT_EQ(check(R"({"$schema": "s", "kind": "adam", "x-n": 0})", update()).value,
            R"({"kind":"adam","beta2":0.999})");
}

TEST(Spec, MissingKeysAreReportedAtTheirObject) {
  EXPECT_EQ(problem("{}", training()),
            "d:1:1 #: found no \"steps\"; expected an integer of at least 1; because it is required");
}

TEST(Spec, NullInAnOptionalFieldIsItsAbsenceAndElsewhereAnError) {
  EXPECT_EQ(check(R"({"steps": 5, "note": null})", training()).value,
            R"({"steps":5,"block_size":64,"clip":null})");
  EXPECT_EQ(
      problem(R"({"steps": null, "block_size": null})", training()),
      "d:1:11 #/steps: found null; expected an integer of at least 1\n"
      "d:1:31 #/block_size: found null; expected an integer; because a key that is left out has its default, "
      "64");
  EXPECT_EQ(problem(R"({"steps": 5, "note": false})", training()),
            "d:1:22 #/note: found false; expected a text or null; did you mean null?");
}

TEST(Spec, WhatWasMeantByAValueOfTheWrongTypeIsSuggested) {
  EXPECT_EQ(problem("\"100\"", Spec::integer()),
            "d:1:1 #: found \"100\"; expected an integer; did you mean 100?");
  EXPECT_EQ(problem("\"0\"", Spec::integer().at_least(1)),
            "d:1:1 #: found \"0\"; expected an integer of at least 1");
  EXPECT_EQ(problem("[3]", Spec::integer()), "d:1:1 #: found [3]; expected an integer; did you mean 3?");
  EXPECT_EQ(problem("\"True\"", Spec::boolean()),
            "d:1:1 #: found \"True\"; expected true or false; did you mean true?");
  EXPECT_EQ(problem("3", Spec::list(Spec::integer())),
            "d:1:1 #: found 3; expected a list; did you mean [3]?");
  EXPECT_EQ(problem("\"adam\"", Spec::list(update())),
            "d:1:1 #: found \"adam\"; expected a list; did you mean [{\"kind\": \"adam\"}]?");
  EXPECT_EQ(problem("7", training()),
            "d:1:1 #: found 7; expected an object with \"steps\"; did you mean {\"steps\": 7}?");
  const Spec tokenizer = Spec::either(
      {Spec::text().one_of({"bytes"}), Spec::object({{"kind", Spec::text().one_of({"bpe"}), "which"}})});
  EXPECT_EQ(problem("\"bpe\"", tokenizer),
            "d:1:1 #: found \"bpe\"; expected \"bytes\" or an object with \"kind\"; did you mean {\"kind\": "
            "\"bpe\"}?");
}

TEST(Spec, EveryProblemOfADocumentIsCollected) {
  const auto all =
      problem(R"({"steps": 0, "block_size": "x", "clip": -1, "note": 3, "other": 1})", training());
  EXPECT_EQ(
      all,
      "d:1:11 #/steps: found 0; expected an integer of at least 1\n"
      "d:1:28 #/block_size: found \"x\"; expected an integer\n"
      "d:1:41 #/clip: found -1; expected a number above 0\n"
      "d:1:53 #/note: found 3; expected a text\n"
      "d:1:56 #/other: found key \"other\"; expected one of \"steps\", \"block_size\", \"clip\", \"note\"");
}

TEST(Spec, IntegersAreWholeAndStayIntegers) {
  EXPECT_EQ(check("3.0", Spec::integer()).value, "3");
  EXPECT_EQ(problem("2.5", Spec::integer()), "d:1:1 #: found 2.5; expected an integer");
  EXPECT_EQ(problem("1e300", Spec::integer()), "d:1:1 #: found 1e+300; expected an integer");
  EXPECT_EQ(problem("true", Spec::integer()), "d:1:1 #: found true; expected an integer");
}

TEST(Spec, RangesAreOpenOrClosedAndSaid) {
  const Spec half = Spec::number().at_least(0).below(1);
  EXPECT_EQ(problem("0", half), "");
  EXPECT_EQ(problem("1", half), "d:1:1 #: found 1; expected a number of at least 0 and below 1");
  const Spec other = Spec::number().above(0).at_most(1);
  EXPECT_EQ(problem("1", other), "");
  EXPECT_EQ(problem("0", other), "d:1:1 #: found 0; expected a number above 0 and at most 1");
  EXPECT_EQ(problem("9", Spec::integer().at_most(8)), "d:1:1 #: found 9; expected an integer of at most 8");
}

TEST(Spec, RefiningLeavesTheOriginalAsItWas) {
  const Spec plain = Spec::integer();
  (void)plain.at_least(5);
  EXPECT_EQ(problem("1", plain), "");
}

TEST(Spec, TextsAreCheckedAgainstTheAllowedOnes) {
  const Spec kind = Spec::text().one_of({"adam", "lion"});
  EXPECT_EQ(problem("\"lion\"", kind), "");
  EXPECT_EQ(problem("\"adamm\"", kind),
            "d:1:1 #: found \"adamm\"; expected one of \"adam\", \"lion\"; did you mean \"adam\"?");
  EXPECT_EQ(problem("\"\"", Spec::text().at_least_items(1)),
            "d:1:1 #: found \"\"; expected a text of at least 1 character");
}

TEST(Spec, ListsAndMapsCheckEachElement) {
  EXPECT_EQ(problem("[1, \"a\", 2.5]", Spec::list(Spec::integer())),
            "d:1:5 #/1: found \"a\"; expected an integer\nd:1:10 #/2: found 2.5; expected an integer");
  EXPECT_EQ(problem("[]", Spec::list(Spec::any()).at_least_items(2)),
            "d:1:1 #: found an empty list; expected a list of at least 2 elements");
  EXPECT_EQ(problem("{\"a/b\": 1}", Spec::map(Spec::boolean())),
            "d:1:9 #/a~1b: found 1; expected true or false; did you mean true?");
  EXPECT_EQ(problem("{}", Spec::map(Spec::any()).at_least_items(1)),
            "d:1:1 #: found an empty object; expected an object of at least 1 member");
  EXPECT_EQ(problem("3", Spec::map(Spec::any())), "d:1:1 #: found 3; expected an object");
}

TEST(Spec, VariantsFollowTheirTag) {
  EXPECT_EQ(check(R"({"beta2": 0.5, "kind": "adam"})", update()).value, R"({"kind":"adam","beta2":0.5})");
  EXPECT_EQ(problem(R"({"kind": "adamm"})", update()),
            "d:1:10 #/kind: found \"adamm\"; expected one of \"adam\", \"lion\"; did you mean \"adam\"?");
  EXPECT_EQ(
      problem(R"({"kind": "lion", "beta2": 0.5})", update()),
      "d:1:18 #/beta2: found key \"beta2\"; expected one of \"kind\", \"beta\"; did you mean \"beta\"?\n"
      "d:1:1 #: found no \"beta\"; expected a number; because it is required");
  EXPECT_EQ(problem("{\"knid\": \"adam\"}", update()),
            "d:1:1 #: found no \"kind\"; expected one of \"adam\", \"lion\"; because it is required; did you "
            "mean \"kind\" for "
            "\"knid\"?");
  EXPECT_EQ(problem("{\"kind\": 3}", update()), "d:1:10 #/kind: found 3; expected one of \"adam\", \"lion\"");
  EXPECT_EQ(problem("[]", update()),
            "d:1:1 #: found []; expected an object with \"kind\" one of \"adam\", \"lion\"");
}

TEST(Spec, EitherTakesTheFirstChoiceOfTheJsonType) {
  const Spec rate = Spec::either({Spec::number().above(0), Spec::object({{"peak", Spec::number(), ""}})});
  EXPECT_EQ(problem("0.1", rate), "");
  EXPECT_EQ(problem("0", rate), "d:1:1 #: found 0; expected a number above 0");
  EXPECT_EQ(problem("{\"peak\": []}", rate), "d:1:10 #/peak: found []; expected a number");
  EXPECT_EQ(problem("null", rate),
            "d:1:1 #: found null; expected a number above 0 or an object with \"peak\"");
  const Constants constants(Json::parse(R"({"width": 8})"));
  const Spec size = Spec::either({Spec::integer(), Spec::text().one_of({"auto"})});
  EXPECT_EQ(check("\"auto\"", size, &constants).value, "\"auto\"");
  EXPECT_EQ(check("\"width\"", size, &constants).value, "8");
  EXPECT_EQ(check("\"width\"", rate, &constants).value, "8");
  EXPECT_EQ(problem("\"aut\"", size), "d:1:1 #: found \"aut\"; expected \"auto\"; did you mean \"auto\"?");
}

TEST(Spec, NumbersMayBeExpressionsWhereConstantsAreInScope) {
  const Constants constants(Json::parse(R"({"width": 128, "heads": 4, "name": "'relu'"})"));
  EXPECT_EQ(check("\"width / heads\"", Spec::integer(), &constants).value, "32");
  EXPECT_EQ(check("\"heads / width\"", Spec::number(), &constants).value, "0.03125");
  EXPECT_EQ(problem("\"heads / width\"", Spec::integer(), &constants),
            "d:1:1 #: found 0.03125 from \"heads / width\"; expected an integer");
  EXPECT_EQ(problem("\"width / headz\"", Spec::integer().at_least(1), &constants),
            "d:1:1 #: found \"width / headz\"; expected an integer of at least 1; because no constant is "
            "called \"headz\" "
            "(character 9); did you mean \"heads\"?");
  EXPECT_NE(problem("\"name\"", Spec::number(), &constants), "");
  EXPECT_EQ(problem("\"width\"", Spec::number()), "d:1:1 #: found \"width\"; expected a number");
  const Spec with_default = Spec::object({{"dim", Spec::integer(), "", "width / heads"}});
  EXPECT_EQ(check("{}", with_default, &constants).value, R"({"dim":32})");
}

TEST(Spec, MistakesInADescriptionAreLogicErrors) {
  EXPECT_THROW((void)Spec::text().at_least(1), std::logic_error);
  EXPECT_THROW((void)Spec::integer().one_of({"a"}), std::logic_error);
  EXPECT_THROW((void)Spec::object({{"a", Spec::any(), ""}, {"a", Spec::any(), ""}}), std::logic_error);
  EXPECT_THROW((void)Spec::variant("kind", {{"a", Spec::object({{"kind", Spec::any(), ""}})}}),
               std::logic_error);
}

TEST(JsonSchema, SaysWhatTheCheckSays) {
  const Json schema = json_schema(training(), "training");
  EXPECT_EQ(schema, Json::parse(R"({
    "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "training", "type": "object",
    "properties": {
      "steps": {"type": ["integer", "string"], "minimum": 1, "description": "how many updates"},
      "block_size": {"type": ["integer", "string"], "description": "rows of a block", "default": 64},
      "clip": {"anyOf": [{"type": ["number", "string"], "exclusiveMinimum": 0}, {"type": "null"}],
               "description": "largest norm", "default": null},
      "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "free text"},
      "$schema": {"type": "string"}},
    "required": ["steps"], "patternProperties": {"^x-": true}, "additionalProperties": false})"));
}

TEST(JsonSchema, VariantsAreToldApartByTheirTag) {
  const Json schema = json_schema(update(), "update");
  EXPECT_EQ(schema["required"], Json::parse(R"(["kind"])"));
  ASSERT_EQ(schema["oneOf"].size(), 2U);
  const Json& lion = schema["oneOf"][1];
  EXPECT_EQ(lion["properties"]["kind"]["const"], "lion");
  EXPECT_EQ(lion["required"], Json::parse(R"(["kind", "beta"])"));
  EXPECT_EQ(lion["additionalProperties"], false);
  EXPECT_TRUE(lion["properties"].contains("$schema"));
}

TEST(JsonSchema, ListsMapsTextsAndChoicesKeepTheirBounds) {
  const Spec spec = Spec::map(Spec::either({Spec::list(Spec::boolean()).at_least_items(1),
                                            Spec::text().one_of({"all"}), Spec::any().help("anything")}));
  const Json schema = json_schema(spec, "map");
  EXPECT_EQ(schema["additionalProperties"], Json::parse(R"({"anyOf": [
    {"type": "array", "items": {"type": "boolean"}, "minItems": 1}, {"type": "string", "enum": ["all"]},
    {"description": "anything"}]})"));
  EXPECT_EQ(schema["properties"]["$schema"]["type"], "string");
}

TEST(HelpText, HasALineForEachFieldAndIndentsByDepth) {
  const Spec spec = Spec::object(
      {{"training", training(), "the run"}, {"update", Spec::list(update()), "the rule", Json::array()}});
  EXPECT_EQ(help_text(spec),
            "training  an object with \"steps\"                        required    the run\n"
            "  steps       an integer of at least 1  required      how many updates\n"
            "  block_size  an integer                default 64    rows of a block\n"
            "  clip        a number above 0          default null  largest norm\n"
            "  note        a text                    optional      free text\n"
            "update    a list, each an object with \"kind\" one of \"adam\", \"lion\"  default []  the rule\n"
            "  kind = \"adam\"\n"
            "    beta2  a number above 0 and below 1  default 0.999  second\n"
            "  kind = \"lion\"\n"
            "    beta  a number  required  decay\n");
}

}  // namespace
}  // namespace isorbit::core
