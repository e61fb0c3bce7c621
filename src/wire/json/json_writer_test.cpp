#include "wire/json/json_writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>

#include "wire/json/json.hpp"

namespace market::wire {
namespace {

TEST(JsonWriter, puts_commas_where_they_belong) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("a").begin_array().end_array().key("b").begin_array().value(1).value("x");
  json.begin_object().end_object().begin_array().null().raw("{}").end_array().end_array();
  json.member("c", true).member("d", std::string("e")).end_object();
  EXPECT_EQ(out, R"({"a":[],"b":[1,"x",{},[null,{}]],"c":true,"d":"e"})");
}

TEST(JsonWriter, writes_whole_numbers_whole) {
  std::string out;
  JsonWriter json(out);
  json.begin_array().value(std::numeric_limits<std::int64_t>::min());
  json.value(std::numeric_limits<std::uint64_t>::max()).value(std::uint16_t{7}).end_array();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,7]");
}

TEST(JsonWriter, writes_times_what_is_missing_and_what_others_write) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("at", Instant(Millis(1'800'000'000'000)));
  json.member("no", std::optional<std::string>()).member("yes", std::optional<int>(4));
  json.member("own", [](std::string& to) { to += "[1]"; }).member("end", false).end_object();
  EXPECT_EQ(out, R"({"at":"2027-01-15T08:00:00.000Z","no":null,"yes":4,"own":[1],"end":false})");
}

TEST(JsonWriter, encodes_keys_as_it_encodes_values) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("a\",\"hostName\":\"x", "\x01\t\n\"\\").end_object();
  EXPECT_EQ(out, R"({"a\",\"hostName\":\"x":"\u0001\t\n\"\\"})");
}

TEST(JsonWriter, replaces_bytes_that_are_no_text) {
  std::string out;
  append_json_string(out, "a\xFF\xC3\xA9\xED\xA0\x80z");
  EXPECT_EQ(out, "\"a\uFFFD\u00e9\uFFFD\uFFFD\uFFFDz\"");
}

}  // namespace
}  // namespace market::wire
