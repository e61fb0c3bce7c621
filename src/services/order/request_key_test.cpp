#include "services/order/request_key.hpp"

#include <gtest/gtest.h>

namespace market::order {
namespace {

Result<RequestKey> key_of(std::initializer_list<std::string_view> values, UserId user = UserId{1}) {
  http::Request request;
  for (const auto value : values) request.headers.push_back({"idempotency-KEY", value});
  return request_key_of(request, user);
}

TEST(RequestKey, IsTheUsersOwn) {
  const auto key = key_of({"8f14e45f"});
  ASSERT_TRUE(key);
  EXPECT_TRUE(*key);
  EXPECT_EQ(*key_of({"8f14e45f"}), *key);
  EXPECT_NE(*key_of({"8f14e45f"}, UserId{2}), *key);
  EXPECT_NE(*key_of({"8f14e45F"}), *key);
  EXPECT_FALSE(*key_of({})) << "none was sent";
}

TEST(RequestKey, IsTheSameInEveryVersion) {
  // It stands in logs: another way to reduce a key would forget every key of the last day.
  const auto key = key_of({"8f14e45f-ceea-467f-a0e6-2b5b6d1f7a11"}, UserId{42});
  // BLAKE2b-128 of the user's 8 bytes and the key, made with another program.
  EXPECT_EQ(key->hi, 14202461526752356870u);
  EXPECT_EQ(key->lo, 1380448138661927343u);
}

TEST(RequestKey, HasOneTo64VisibleCharacters) {
  EXPECT_TRUE(key_of({std::string(64, '~')}));
  EXPECT_TRUE(key_of({"!"}));
  for (const std::string& wrong :
       {std::string(), std::string(65, 'a'), std::string("a b"), std::string("a\t"), std::string("\x7f"),
        std::string("키"), std::string("a\0b", 3)}) {
    const auto key = key_of({wrong});
    ASSERT_FALSE(key) << wrong;
    EXPECT_EQ(key.error().extras->fields.at(0).field, "Idempotency-Key");
  }
  EXPECT_EQ(key_of({"a", "a"}).error().code, Code::validation) << "two of them";
}

std::uint64_t fingerprint(std::initializer_list<std::pair<int, int>> lines) {
  wire::WantedLines wanted;
  for (const auto& [product, quantity] : lines) wanted.push_back(WantedLine{ProductId{product}, quantity});
  return fingerprint_of(wanted);
}

TEST(Fingerprint, IsOfTheItemsInTheirOrder) {
  EXPECT_EQ(fingerprint({{1, 2}, {3, 4}}), fingerprint({{1, 2}, {3, 4}}));
  EXPECT_NE(fingerprint({{1, 2}, {3, 4}}), fingerprint({{3, 4}, {1, 2}}));
  EXPECT_NE(fingerprint({{1, 2}}), fingerprint({{1, 3}}));
  EXPECT_NE(fingerprint({{1, 2}}), fingerprint({{2, 2}}));
  EXPECT_NE(fingerprint({{1, 2}}), fingerprint({{1, 2}, {1, 2}}));
  const auto pretty = wire::read_order_body("{ \"items\" : [ {\"quantity\": 1, \"productId\": \"" +
                                            ProductId{5}.text() + "\"} ] }");
  const auto plain =
      wire::read_order_body("{\"items\":[{\"productId\":\"" + ProductId{5}.text() + "\",\"quantity\":1}]}");
  EXPECT_EQ(fingerprint_of(*pretty), fingerprint_of(*plain)) << "however it was written";
}

}  // namespace
}  // namespace market::order
