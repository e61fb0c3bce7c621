#include "services/auth/audited.hpp"

#include <gtest/gtest.h>

#include "tests/support/service_routes.hpp"

namespace market::auth {
namespace {

using http::Method;

class MemoryAudit final : public AuditLog {
 public:
  Task<> begin(AuditEntry entry) override {
    entries.push_back(std::move(entry));
    co_return Result<>();
  }
  Task<> finish(AuditId, int status) override {
    entries.back().status = status;
    co_return Result<>();
  }
  Task<std::vector<AuditEntry>> list(AuditId, UserId, int) override { co_return entries; }
  std::vector<AuditEntry> entries;
};

Task<http::Reply> answer(const http::Request& request) {
  if (request.body == "nonsense") co_return fail(Code::validation, "no");
  co_return http::no_content();
}

class AuditedTest : public testing::Test {
 protected:
  AuditedTest() {
    for (const char* path : {"/things", "/seller/webhooks"}) {
      const std::string route = std::string("POST ") + path;
      service_.router.add(Method::post, path, answer);
      service_.router.wrap(route,
                           audited({service_.authenticator, log_, refusals_, ids_, service_.clock}, route));
    }
  }
  Result<http::Reply> post(const tests::SentHeader& who, const std::string& body,
                           const std::string& path = "/things") {
    return service_.ask(Method::post, path, body, {who, {"Content-Type", "application/json"}});
  }

  tests::ServiceRoutes service_;
  MemoryAudit log_;
  const std::shared_ptr<RefusalBudget> refusals_ = std::make_shared<RefusalBudget>(true);
  IdSource ids_{service_.clock};
  const tests::SentHeader seller_ = service_.sign_in(UserId{7}, Role::seller);
};

TEST_F(AuditedTest, WritesDownSoManyRefusalsOfASellerOnly) {
  for (int i = 0; i < 300; ++i) ASSERT_EQ(post(seller_, "nonsense").error().code, Code::validation) << i;
  const auto beyond = post(seller_, "nonsense");
  ASSERT_EQ(beyond.error().code, Code::rate_limited);
  EXPECT_EQ(beyond.error().extras->retry_after_seconds, 11);
  EXPECT_EQ(log_.entries.size(), 300u);
  EXPECT_TRUE(post(service_.sign_in(UserId{8}, Role::seller), "{}")) << "others go on";
  const auto admin = service_.sign_in(UserId{1}, Role::admin);
  for (int i = 0; i < 400; ++i) ASSERT_EQ(post(admin, "nonsense").error().code, Code::validation) << i;
  service_.clock.time += RefusalBudget::refusal_pace;
  EXPECT_TRUE(post(seller_, "{}"));
  EXPECT_TRUE(post(seller_, "{}")) << "what is carried out costs nothing";
}

TEST_F(AuditedTest, TellsNothingOfAWebhook) {
  ASSERT_TRUE(post(seller_, R"({"delta":5})"));
  EXPECT_EQ(log_.entries.back().detail, R"({"delta":5})");
  ASSERT_TRUE(post(seller_, R"({"url":"https://hooks.example/s3cret"})", "/seller/webhooks"));
  EXPECT_EQ(log_.entries.back().action, "POST /seller/webhooks");
  EXPECT_EQ(log_.entries.back().detail, "");
}

}  // namespace
}  // namespace market::auth
