#include "services/user/ended_sessions_route.hpp"

#include <gtest/gtest.h>

#include "services/auth/ended_sessions.hpp"
#include "tests/support/service_routes.hpp"

namespace market::user {
namespace {

constexpr Millis life = access_token_life_max;  // Whatever is set: a token of before may have been as long.

struct EndingAccounts final : tests::MemoryAccounts {
  Task<std::vector<SessionId>> ended_since(Instant since) override {
    asked_since = since;
    co_return std::vector<SessionId>{SessionId{1}, SessionId{2}};
  }
  Task<std::vector<RoleChange>> roles_changed_since(Instant) override {
    co_return std::vector<RoleChange>{{UserId{8}, Role::seller, at}};
  }
  Instant asked_since;
  static constexpr Instant at{Millis(1'700'000'000'123)};
};

class EndedSessionsRoute : public testing::Test {
 protected:
  EndedSessionsRoute() {
    add_ended_sessions_route(routes.router, {routes.authenticator, accounts, routes.clock});
  }
  Result<http::Reply> ask(const std::string& token, const std::string& query = "",
                          std::vector<tests::SentHeader> headers = {}) {
    headers.push_back({"Authorization", "Bearer " + token});
    return routes.ask(http::Method::get, std::string(auth::ended_sessions_path), "", std::move(headers),
                      query);
  }
  std::string key_holder() { return auth::key_holder_token(routes.tokens, routes.clock.now()); }
  std::string token_of(Role role) {
    return routes.sign_in(UserId{5}, role).value.substr(std::string("Bearer ").size());
  }

  tests::ServiceRoutes routes;
  EndingAccounts accounts;
};

TEST_F(EndedSessionsRoute, TellsWhatTokensAreGoodForNothing) {
  const auto reply = ask(key_holder());
  ASSERT_TRUE(reply);
  EXPECT_EQ(accounts.asked_since, routes.clock.now() - life);
  const auto ended = auth::parse_ended_sessions(reply->body);
  ASSERT_TRUE(ended) << reply->body;
  auth::DeniedSessions denied;
  auth::deny(*ended, denied, routes.clock.now());
  const auto is_denied = [&](std::int64_t session) {
    return denied.is_denied(SessionId{session}, UserId{7}, Role::customer);
  };
  EXPECT_TRUE(is_denied(1));
  EXPECT_TRUE(is_denied(2));
  EXPECT_FALSE(is_denied(3));
  EXPECT_TRUE(denied.is_denied(SessionId{}, UserId{8}, Role::customer));
  EXPECT_FALSE(denied.is_denied(SessionId{}, UserId{8}, Role::seller));
  denied.forget_ended(routes.clock.now() + life);
  EXPECT_TRUE(is_denied(1)) << "a token may live as long";
  denied.forget_ended(routes.clock.now() + life + Millis(1));
  EXPECT_FALSE(is_denied(1));
}

TEST_F(EndedSessionsRoute, TellsWhoReadsItWhenARoleWasChanged) {
  const auto of_before = ask(key_holder());
  EXPECT_EQ(of_before->body.find("changedAt"), std::string::npos)
      << "a gateway of before refuses what is new";
  const auto ended = auth::parse_ended_sessions(of_before->body);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->roles.at(0).changed_at, Instant::max()) << "nothing is later than what is not known";
  const auto reply = ask(key_holder(), "", {{std::string(auth::reads_role_times), "yes"}});
  const auto told = auth::parse_ended_sessions(reply->body);
  ASSERT_TRUE(told) << reply->body;
  EXPECT_EQ(told->roles.at(0).changed_at, EndingAccounts::at);
}

TEST_F(EndedSessionsRoute, LooksBackAsFarAsItIsAskedAndTokensLive) {
  EXPECT_TRUE(ask(key_holder(), "lately=5000"));
  EXPECT_EQ(accounts.asked_since, routes.clock.now() - Millis(5'000));
  EXPECT_TRUE(ask(key_holder(), "lately=9223372036854775807"));
  EXPECT_EQ(accounts.asked_since, routes.clock.now() - life);
  for (const char* wrong : {"lately=soon", "lately=-1", "lately="})
    EXPECT_EQ(ask(key_holder(), wrong).error().code, Code::validation) << wrong;
}

TEST_F(EndedSessionsRoute, IsForHoldersOfTheKeysAlone) {
  const auto token = key_holder();
  EXPECT_TRUE(ask(token));
  EXPECT_EQ(ask(token_of(Role::customer)).error().code, Code::forbidden);
  EXPECT_EQ(ask(token_of(Role::admin)).error().code, Code::forbidden);
  EXPECT_EQ(ask("x").error().code, Code::unauthenticated);
  routes.clock.time += Millis(31'000);
  EXPECT_EQ(ask(token).error().code, Code::unauthenticated) << "it is good for seconds";
}

TEST_F(EndedSessionsRoute, IsReadStrictly) {
  for (const char* wrong :
       {"", "{}", R"({"tokenLife":1,"sessions":[]})", R"({"tokenLife":1,"sessions":[1],"roles":[]})",
        R"({"tokenLife":1,"sessions":["x"],"roles":[]})", R"({"tokenLife":-1,"sessions":[],"roles":[]})",
        R"({"tokenLife":1,"sessions":[],"roles":[{"user":"0000000000007","role":"king"}]})"})
    EXPECT_FALSE(auth::parse_ended_sessions(wrong)) << wrong;
}

}  // namespace
}  // namespace market::user
