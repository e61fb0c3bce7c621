#include "adapters/payment/stripe_notices.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace market::payment {
namespace {

constexpr std::string_view secret = "whsec_of_a_test";
const Instant now{std::chrono::seconds(1'790'000'000)};

std::string body_of(AttemptId attempt, std::string_view store = "shop") {
  return fmt::format(R"({{"data":{{"object":{{"metadata":{{"attempt":"{}","store":"{}"}}}}}}}})",
                     attempt.text(), store);
}

std::string signature_of(std::string_view body, std::int64_t seconds = 1'790'000'000) {
  std::string hex;
  for (const auto byte : wire::HmacSha256(secret).of(fmt::format("{}.{}", seconds, body)))
    hex += fmt::format("{:02x}", byte);
  return fmt::format("t={},v1={}", seconds, hex);
}

class StripeNoticesTest : public testing::Test {
 protected:
  Result<std::optional<AttemptId>> read(std::string_view signature, std::string_view body) const {
    return notices_.read(signature, body, now);
  }
  StripeNotices notices_{secret, "shop"};
};

TEST_F(StripeNoticesTest, NamesTheAttempt) {
  const std::string body = body_of(AttemptId{77});
  EXPECT_EQ(*read(signature_of(body), body), AttemptId{77});
  EXPECT_EQ(*read("v1=00," + signature_of(body) + ",v0=x", body), AttemptId{77}) << "one of several is right";
}

TEST_F(StripeNoticesTest, AnothersPaymentsAreNothingOfOurs) {
  for (const std::string& body :
       {body_of(AttemptId{77}, "another"), std::string("{}"), std::string("[1]"),
        std::string(R"({"data":{"object":{"metadata":{"store":"shop"}}}})"), std::string(R"({"data":7})")}) {
    const auto attempt = read(signature_of(body), body);
    ASSERT_TRUE(attempt) << body;
    EXPECT_FALSE(*attempt) << body;
  }
}

TEST_F(StripeNoticesTest, OnlyStripeTellsUsAndOnlyOfNow) {
  const std::string body = body_of(AttemptId{77});
  EXPECT_TRUE(read(signature_of(body, 1'790'000'000 - 300), body));
  for (const std::string& forged :
       {std::string(), std::string("t="), std::string("t=x,v1=y"), std::string("t=1790000000"),
        signature_of(body + ' '), signature_of(body, 1'790'000'000 - 301),
        signature_of(body, 1'790'000'000 + 301), signature_of(body, 0), signature_of(body, -1),
        signature_of(body, INT64_MAX), "t=1790000000," + std::string(100'000, ',')})
    EXPECT_EQ(read(forged, body).error().code, Code::unauthenticated) << forged.substr(0, 60);
  EXPECT_EQ(read(signature_of("{"), "{").error().code, Code::invalid_json);
}

}  // namespace
}  // namespace market::payment
