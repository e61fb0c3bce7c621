#include "http/message/media_type.hpp"

#include <gtest/gtest.h>

namespace market::http {
namespace {

TEST(MediaType, JsonIsKnownByItsEssenceAndACharset) {
  for (const auto* json :
       {"application/json", "Application/JSON", "application/json;", "application/json ; ;",
        "application/json;charset=utf-8", "application/json; charset=\"UTF-8\" ;", "application/json\t;a=b",
        "application/json;x=\"a;b\"", "application/json;x=\"a\\\";charset=latin1\"; charset=utf-8",
        "application/json;x=\"\"", "application/json; profile=\"a, b\""})
    EXPECT_TRUE(is_json_type(json)) << json;
  for (const auto* other :
       {"", "application/jsonx", "text/json", "application/json, text/plain", "application /json",
        "application/json;charset=latin1", "application/json;charset", "application/json;=utf-8",
        "application/json;charset=", "application/json;x=\"a", "application/json;x=\"a\\\"",
        "application/json;x=\"a\"b", "application/json;x=a b", "application/json;x=\"a;b\";charset=utf8",
        "application/json;\"x\"=a", "application/json;x=\"a\\"})
    EXPECT_FALSE(is_json_type(other)) << other;
}

}  // namespace
}  // namespace market::http
