#include "services/auth/request_key.hpp"

#include <gtest/gtest.h>

namespace market::auth {
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

http::Request request_of(http::Method method, std::string_view path) {
  http::Request request;
  request.method = method;
  request.path = path;
  return request;
}

TEST(Fingerprint, IsOfMethodPathAndBody) {
  const auto post = request_of(http::Method::post, "/api/v1/products");
  const auto body = fingerprint_of(post, "{}");
  EXPECT_EQ(fingerprint_of(post, "{}"), body);
  EXPECT_NE(fingerprint_of(post, "{ }"), body);
  EXPECT_NE(fingerprint_of(request_of(http::Method::put, "/api/v1/products"), "{}"), body);
  EXPECT_NE(fingerprint_of(request_of(http::Method::post, "/api/v1/orders"), "{}"), body);
  EXPECT_NE(fingerprint_of(request_of(http::Method::post, "/api/v1/products{"), "}"), body)
      << "what belongs to the path is not the body's";
}

RequestCopy copy_of(std::initializer_list<std::string_view> fields, bool trusted = true,
                    UserId user = UserId{1}) {
  http::Request request;
  request.from_trusted = trusted;
  for (const auto field : fields) request.headers.push_back({"Market-Request", field});
  return request_copy_of(request, user);
}

TEST(RequestCopy, IsWhatATrustedGatewaySays) {
  constexpr std::string_view first = "0123456789abcdef0123456789abcdef;copy=1";
  constexpr std::string_view second = "0123456789abcdef0123456789abcdef;copy=2";
  EXPECT_EQ(copy_of({first}).number, 1u);
  EXPECT_EQ(copy_of({second}).number, 2u);
  EXPECT_EQ(copy_of({first}).request, copy_of({second}).request);
  EXPECT_NE(copy_of({first}).request, copy_of({first}, true, UserId{2}).request) << "another user's";
  EXPECT_EQ(copy_of({second}, false).number, 0u) << "from outside it is nothing";
  EXPECT_EQ(copy_of({first, second}).number, 0u) << "two of them";
  EXPECT_EQ(copy_of({}).number, 0u);
}

TEST(RequestCopy, IsNothingWhenItCannotBeRead) {
  for (const std::string_view wrong :
       {"", "1", ";copy=2", "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef;copy=", "0123456789abcdef0123456789abcdef;copy=-1",
        "0123456789abcdef0123456789abcdef;copy=2x", "0123456789abcdef0123456789abcdef;copy=99999999999",
        "0123456789abcdef0123456789abcdeg;copy=2", "0123456789abcdef0123456789abcdef;Copy=2"})
    EXPECT_EQ(copy_of({wrong}).number, 0u) << wrong;
}

TEST(BindRequestKey, LeavesACommandWithoutOneAlone) {
  auto request = request_of(http::Method::post, "/api/v1/orders/x/cancel");
  Command command = CancelOrder{OrderId{1}, UserId{1}};
  ASSERT_TRUE(bind_request_key(command, request, UserId{1}, ""));
  EXPECT_FALSE(command.key);
  EXPECT_EQ(command.fingerprint, 0u);
  request.headers.push_back({"Idempotency-Key", "k"});
  ASSERT_TRUE(bind_request_key(command, request, UserId{1}, ""));
  EXPECT_EQ(command.key, *key_of({"k"}));
  EXPECT_EQ(command.fingerprint, fingerprint_of(request, ""));
  request.headers.push_back({"Idempotency-Key", "l"});
  EXPECT_EQ(bind_request_key(command, request, UserId{1}, "").error().code, Code::validation);
}

}  // namespace
}  // namespace market::auth
