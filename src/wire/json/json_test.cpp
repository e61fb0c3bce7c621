#include "wire/json/json.hpp"

#include <gtest/gtest.h>

namespace market::wire {
namespace {

using namespace std::string_literals;

/// `field:code` of each wrong member, with blanks between.
std::string wrong_members(const Result<>& result) {
  std::string all;
  if (result) return all;
  for (const auto& error : result.error().extras->fields)
    all += (all.empty() ? "" : " ") + error.field + ':' + error.code;
  return all;
}

TEST(ParseJson, RefusesWhatIsNoStrictJson) {
  for (const std::string& text :
       {""s, "{"s, "{} x"s, "{'a':1}"s, "{\"a\":1,}"s, "// c\n{}"s, "\xEF\xBB\xBF{}"s, "{\"a\":\"\xff\"}"s,
        "{\"a\":\"\\ud800\"}"s, "{\"a\":NaN}"s, "{\"a\":01}"s, "{\"a\":\"\n\"}"s, "{\"a\":1,\"a\":1}"s,
        "{\"b\":[{\"a\":1,\"\\u0061\":2}]}"s, std::string(33, '[') + std::string(33, ']')}) {
    const auto read = parse_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::invalid_json) << text;
  }
  for (const std::string& text :
       {"{}"s, " [1, 2] "s, "null"s, "{\"a\":{\"a\":1}}"s, std::string(32, '[') + std::string(32, ']')})
    EXPECT_TRUE(parse_json(text)) << text;
}

TEST(ObjectReader, ReadsMembersOfTheirKind) {
  const auto json = *parse_json(R"({"t":"한 \n","n":-5,"at":"2026-11-24T01:22:03Z","none":null,"l":[1,2]})");
  ObjectReader reader(json);
  EXPECT_EQ(reader.text("t", 1, 3), "한 \n") << "counted in characters, not in bytes";
  EXPECT_EQ(reader.integer("n", -5, 5), -5);
  EXPECT_EQ(format_rfc3339(reader.time("at")), "2026-11-24T01:22:03.000Z");
  EXPECT_EQ(reader.optional_text("none", 1, 5), std::nullopt);
  EXPECT_EQ(reader.optional_integer("absent", 1, 5), std::nullopt);
  ASSERT_NE(reader.array("l", 2, 2), nullptr);
  EXPECT_TRUE(reader.finish());
}

TEST(ObjectReader, LinesEndAsTheyDoAnywhere) {
  const auto json =
      *parse_json(R"({"windows":"a\r\nb\r\n","old":"a\rb","mixed":"\r\r\n\n","line":"a\r\nb"})");
  ObjectReader reader(json);
  EXPECT_EQ(reader.text("windows", 4, 4), "a\nb\n");
  EXPECT_EQ(reader.visible_text("old", 3), "a\nb");
  EXPECT_EQ(reader.text("mixed", 1, 3), "\n\n\n");
  reader.line("line", 10);
  EXPECT_EQ(wrong_members(reader.finish()), "line:format") << "two lines are not one";
}

TEST(ObjectReader, CollectsEveryWrongMember) {
  const auto json =
      *parse_json(R"({"short":"","long":"abcd","control":"a\u0000","kind":1,"big":6,"half":1.5,"huge":1e30,)"
                  R"("over":18446744073709551615,)"
                  R"("when":"soon","list":[1,2,3],"extra":1,"<script>":1})");
  ObjectReader reader(json);
  reader.text("short", 1, 3);
  reader.text("long", 1, 3);
  reader.text("control", 1, 3);
  reader.text("kind", 1, 3);
  reader.text("absent", 1, 3);
  for (const char* number : {"big", "half", "huge", "over"}) reader.integer(number, 0, 5);
  reader.time("when");
  EXPECT_EQ(reader.array("list", 1, 2), nullptr);
  EXPECT_EQ(
      wrong_members(reader.finish()),
      "short:length long:length control:format kind:type absent:required big:range half:type huge:range "
      "over:range when:format list:length extra:unknown ?:unknown");
}

TEST(ObjectReader, ANumberIsTheSameHoweverItIsWritten) {
  const std::pair<const char*, std::int64_t> whole[] = {{"1", 1},
                                                        {"1.0", 1},
                                                        {"1e0", 1},
                                                        {"0.1e1", 1},
                                                        {"100e-2", 1},
                                                        {"1000000.000e-6", 1},
                                                        {"0e-400", 0},
                                                        {"0.000", 0},
                                                        {"-0", 0},
                                                        {"-0.0", 0},
                                                        {"1.5e1", 15},
                                                        {"7.0", 7},
                                                        {"70e-1", 7},
                                                        {"1000000000000.0", 1'000'000'000'000},
                                                        {"1e12", 1'000'000'000'000},
                                                        {"-3.00", -3}};
  for (const auto& [text, number] : whole) {
    const auto json = *parse_json(std::string("{\"n\":") + text + "}");
    ObjectReader reader(json);
    EXPECT_EQ(reader.integer("n", -5, 1'000'000'000'000), number) << text;
    EXPECT_TRUE(reader.finish()) << text;
  }
  for (int number = 0; number <= 2'000; ++number)
    for (const char* zeros : {".0", ".00", ".000"}) {
      const auto json = *parse_json("{\"n\":" + std::to_string(number) + zeros + "}");
      ObjectReader reader(json);
      EXPECT_EQ(reader.integer("n", 0, 2'000), number) << zeros;
      EXPECT_TRUE(reader.finish()) << number << zeros;
    }
  const std::pair<const char*, const char*> wrong[] = {{"0.5", "n:type"},
                                                       {"1e-400", "n:type"},
                                                       {"0.99999999999999999999", "n:type"},
                                                       {"0.00000000000000000001e1", "n:type"},
                                                       {"9.9999999999999999999", "n:type"},
                                                       {"1e-99999999999999999999", "n:type"},
                                                       {"1e-1", "n:type"},
                                                       {"\"1\"", "n:type"},
                                                       {"true", "n:type"},
                                                       {"11.0", "n:range"},
                                                       {"1e400", "n:range"},
                                                       {"-1e0", "n:range"},
                                                       {"9007199254740993.0", "n:range"}};
  for (const auto& [text, members] : wrong) {
    const auto json = parse_json(std::string("{\"n\":") + text + "}");
    if (!json) continue;  // 1e400 is beyond what a JSON reader takes.
    ObjectReader reader(*json);
    reader.integer("n", 0, 10);
    EXPECT_EQ(wrong_members(reader.finish()), members) << text;
  }
}

TEST(ObjectReader, APartReportsToItsWhole) {
  const auto json = *parse_json(R"({"items":[{"id":"a","x":1},7]})");
  ObjectReader reader(json);
  const auto* items = reader.array("items", 1, 5);
  ASSERT_NE(items, nullptr);
  for (std::size_t i = 0; i < items->size(); ++i) {
    ObjectReader part((*items)[i], "items[" + std::to_string(i) + "]", reader);
    part.text("id", 1, 5);
    part.finish_part();
  }
  EXPECT_EQ(wrong_members(reader.finish()), "items[0].x:unknown items[1]:type");
}

TEST(ObjectReader, AnswersAboutFiftyMistakesAtMost) {
  std::string body = "{";
  for (int i = 0; i < 200; ++i) body += (i ? ",\"m" : "\"m") + std::to_string(i) + "\":1";
  const auto json = *parse_json(body + "}");
  ObjectReader reader(json);
  EXPECT_EQ(reader.finish().error().extras->fields.size(), 50u);
}

TEST(ObjectReader, VisibleTextHasSomethingToSee) {
  const auto json = *parse_json(R"({"a":" \u202e\u200b ","b":"\u3000","c":" x ","d":null,"e":""})");
  ObjectReader reader(json);
  reader.visible_text("a", 10);
  reader.optional_visible_text("b", 10);
  EXPECT_EQ(reader.visible_text("c", 10), " x ");
  EXPECT_EQ(reader.optional_visible_text("d", 10), std::nullopt);
  reader.visible_text("e", 10);
  EXPECT_EQ(wrong_members(reader.finish()), "a:format b:format e:length") << "one mistake, one line";
}

TEST(ExpectNoMembers, TakesNothingOrAnEmptyObject) {
  EXPECT_TRUE(expect_no_members(""));
  EXPECT_TRUE(expect_no_members(" { } "));
  EXPECT_EQ(expect_no_members("garbage").error().code, Code::invalid_json);
  EXPECT_EQ(expect_no_members("\0"s).error().code, Code::invalid_json);
  EXPECT_EQ(wrong_members(expect_no_members(R"({"reason":"x"})")), "reason:unknown");
  EXPECT_EQ(wrong_members(expect_no_members("[]")), ":type");
}

TEST(ShownName, IsAHarmlessWordOrNothing) {
  for (const char* name : {"colour", "x-y", "A_1"}) EXPECT_EQ(shown_name(name), name);
  for (const std::string& name : {""s, "a b"s, "<b>"s, "\xff"s, "a\""s, std::string(41, 'a')})
    EXPECT_EQ(shown_name(name), "?") << name;
}

TEST(AppendJsonString, IsReadBackAsItWas) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  all += "한정판 😀";
  std::string written;
  append_json_string(written, all);
  EXPECT_EQ(parse_json(written)->as_string(), all);
  EXPECT_EQ(written.find('\n'), std::string::npos) << "one line: access logs and event streams rely on it";
}

}  // namespace
}  // namespace market::wire
