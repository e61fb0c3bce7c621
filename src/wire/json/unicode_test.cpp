#include "wire/json/unicode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace market::wire {
namespace {

using namespace std::string_literals;

TEST(Unicode, KnowsUtf8) {
  for (const std::string& text : {""s, "a"s, "한정판"s, "\x00"s, "😀"s, "\xF4\x8F\xBF\xBF"s, "\xEE\x80\x80"s})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const std::string& text :
       {"\xff"s, "\x80"s, "a\xC3"s, "\xC0\xAF"s, "\xC1\xBF"s, "\xE0\x80\xAF"s, "\xED\xA0\x80"s,
        "\xF0\x80\x80\x80"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xE2\x82"s, "\xE2\x28\xA1"s})
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
}

TEST(Unicode, ANameHasSomethingToSee) {
  for (const char* text : {"a", " a ", "한", "\u202E.", "😀", "\u200Bx", "¡", "\u00AE", "\u0300e"})
    EXPECT_TRUE(has_visible_character(text)) << text;
  for (const char* text : {"",
                           " ",
                           "\t\n",
                           "\u00A0",
                           "\u00AD",
                           "\u200B",
                           "\u200D\u200C",
                           "\u202E",
                           "\u2066\u2069",
                           "\u3000",
                           "\uFEFF",
                           "\u2028",
                           "\u115F",
                           "\u3164",
                           "\uFFA0",
                           "\u2800",
                           "\uFE0F",
                           "\U000E0020",
                           "\U000E0100",
                           "\u180E",
                           " \u202E \u2003"})
    EXPECT_FALSE(has_visible_character(text)) << testing::PrintToString(text);
}

}  // namespace
}  // namespace market::wire
