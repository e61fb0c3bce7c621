#include "wire/auth/access_token.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "wire/auth/base64url.hpp"

namespace market::wire {
namespace {

const Instant now{Millis(1'800'000'000'500)};
const SigningKey first{"k1", "0123456789abcdef0123456789abcdef"};
const SigningKey second{"k2", "fedcba9876543210fedcba9876543210"};

Identity alice() {
  return Identity{UserId{7}, SessionId{8}, Role::seller, true, now + std::chrono::minutes(15)};
}

bool is_refused(const AccessTokens& tokens, std::string_view token, Instant when = now) {
  const auto verified = tokens.verify(token, when);
  return !verified && verified.error().code == Code::unauthenticated;
}

/// Header, claims and signature, as they are written.
std::vector<std::string> parts_of(const std::string& token) {
  const auto one = token.find('.'), two = token.rfind('.');
  return {token.substr(0, one), token.substr(one + 1, two - one - 1), token.substr(two + 1)};
}

TEST(AccessTokens, SayWhoWasSignedFor) {
  const AccessTokens tokens({first});
  Identity sent = alice();
  const auto identity = tokens.verify(tokens.sign(sent, now), now);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->user, sent.user);
  EXPECT_EQ(identity->session, sent.session);
  EXPECT_EQ(identity->role, Role::seller);
  EXPECT_TRUE(identity->email_verified);
  EXPECT_EQ(identity->expires_at, Instant(Millis(1'800'000'900'000))) << "whole seconds";
  sent.session = SessionId{};
  sent.email_verified = false;
  const auto load = tokens.verify(tokens.sign(sent, now), now);
  EXPECT_FALSE(load->session);
  EXPECT_FALSE(load->email_verified);
}

TEST(AccessTokens, AreJwtOfThreeParts) {
  const AccessTokens tokens({first});
  const auto parts = parts_of(tokens.sign(alice(), now));
  EXPECT_EQ(parts[0], encode_base64url(R"({"alg":"HS256","kid":"k1","typ":"at+jwt"})"));
  EXPECT_EQ(parts[1], encode_base64url(R"({"iss":"market","aud":"market","sub":")" + UserId{7}.text() +
                                       R"(","sid":")" + SessionId{8}.text() +
                                       R"(","role":"seller","ev":true,"iat":1800000000,"exp":1800000900})"));
}

TEST(AccessTokens, SayWhenTheRoleWasGiven) {
  const AccessTokens tokens({first});
  Identity sent = alice();
  EXPECT_EQ(tokens.verify(tokens.sign(sent, now), now)->role_changed_at, Instant());
  sent.role_changed_at = now;
  const auto token = tokens.sign(sent, now);
  EXPECT_EQ(parts_of(token)[1],
            encode_base64url(
                R"({"iss":"market","aud":"market","sub":")" + UserId{7}.text() + R"(","sid":")" +
                SessionId{8}.text() +
                R"(","role":"seller","role_at":1800000000500,"ev":true,"iat":1800000000,"exp":1800000900})"));
  EXPECT_EQ(tokens.verify(token, now)->role_changed_at, now);
}

TEST(AccessTokens, EndOnTheSecond) {
  const AccessTokens tokens({first});
  const auto token = tokens.sign(alice(), now);
  EXPECT_FALSE(is_refused(tokens, token, Instant(Millis(1'800'000'899'999))));
  EXPECT_TRUE(is_refused(tokens, token, Instant(Millis(1'800'000'900'000))));
}

TEST(AccessTokens, OfTheFutureAreRefusedBeyondTheSkewOfClocks) {
  const AccessTokens tokens({first});
  const auto token = tokens.sign(alice(), now);
  EXPECT_FALSE(is_refused(tokens, token, now - std::chrono::seconds(60)));
  EXPECT_TRUE(is_refused(tokens, token, now - std::chrono::seconds(62)));
}

TEST(AccessTokens, OfEveryKnownKeyAreAcceptedAndTheFirstSigns) {
  const AccessTokens before({first}), rotated({second, first}), after({second});
  const auto old_token = before.sign(alice(), now), new_token = rotated.sign(alice(), now);
  EXPECT_FALSE(is_refused(rotated, old_token));
  EXPECT_FALSE(is_refused(after, new_token));
  EXPECT_TRUE(is_refused(after, old_token));
  EXPECT_TRUE(is_refused(before, new_token));
  const AccessTokens same_id({SigningKey{first.id, second.secret}});
  EXPECT_TRUE(is_refused(same_id, old_token)) << "the id alone opens nothing";
}

TEST(AccessTokens, TakeOtherKeysWhileTheyRun) {
  AccessTokens tokens({first});
  const auto old_token = tokens.sign(alice(), now);
  tokens.replace({second, first});
  EXPECT_EQ(parts_of(tokens.sign(alice(), now))[0],
            encode_base64url(R"({"alg":"HS256","kid":"k2","typ":"at+jwt"})"));
  EXPECT_FALSE(is_refused(tokens, old_token));
  EXPECT_THROW(tokens.replace({}), std::invalid_argument);
  EXPECT_THROW(tokens.replace({SigningKey{"k3", "short"}}), std::invalid_argument);
  EXPECT_FALSE(is_refused(tokens, old_token)) << "a refused change changes nothing";
  const auto identity = tokens.verify(old_token, now);
  EXPECT_TRUE(tokens.accepts_key_of(*identity));
  tokens.replace({second});
  EXPECT_TRUE(is_refused(tokens, old_token));
  EXPECT_FALSE(tokens.accepts_key_of(*identity)) << "what was opened with it ends too";
  EXPECT_FALSE(is_refused(tokens, tokens.sign(alice(), now)));
}

TEST(AccessTokens, AnyOtherCharacterAnywhereIsRefused) {
  const AccessTokens tokens({first});
  const auto token = tokens.sign(alice(), now);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = token[i] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(is_refused(tokens, changed)) << i;
  }
  for (std::size_t size = 0; size < token.size(); ++size)
    EXPECT_TRUE(is_refused(tokens, std::string_view(token).substr(0, size))) << size;
  for (const auto& wrong : {token + "A", token + ".", token + "=", " " + token, "." + token, token + "\n"})
    EXPECT_TRUE(is_refused(tokens, wrong)) << wrong;
}

TEST(AccessTokens, ATokenChoosesNoAlgorithm) {  // RFC 8725, section 2.1.
  const AccessTokens tokens({first});
  const auto parts = parts_of(tokens.sign(alice(), now));
  for (const auto* header :
       {R"({"alg":"none"})", R"({"alg":"none","kid":"k1","typ":"at+jwt"})",
        R"({"alg":"HS512","kid":"k1","typ":"at+jwt"})", R"({"alg":"HS256"})",
        R"({"alg":"HS256","kid":"k1","typ":"JWT"})", R"({"typ":"at+jwt","kid":"k1","alg":"HS256"})",
        R"({"alg":"HS256","kid":"k1","typ":"at+jwt","crit":["x"]})"}) {
    const auto other = encode_base64url(header) + '.' + parts[1] + '.';
    EXPECT_TRUE(is_refused(tokens, other)) << header;
    EXPECT_TRUE(is_refused(tokens, other + parts[2])) << header;
  }
}

TEST(AccessTokens, PartsOfTwoTokensMakeNone) {
  const AccessTokens tokens({first});
  Identity admin = alice();
  admin.role = Role::admin;
  const auto mine = parts_of(tokens.sign(alice(), now)), theirs = parts_of(tokens.sign(admin, now));
  EXPECT_TRUE(is_refused(tokens, mine[0] + '.' + theirs[1] + '.' + mine[2]));
}

TEST(AccessTokens, AHugeTokenIsRefusedUnread) {
  const AccessTokens tokens({first});
  EXPECT_TRUE(is_refused(tokens, std::string(1'000'000, 'A')));
  EXPECT_TRUE(is_refused(tokens, parts_of(tokens.sign(alice(), now))[0] + '.' + std::string(5'000, 'A') +
                                     '.' + std::string(43, 'A')));
}

TEST(AccessTokens, AKeyMustBeRandomAndNamed) {
  EXPECT_THROW(AccessTokens({}), std::invalid_argument);
  for (const SigningKey& wrong :
       {SigningKey{"", first.secret}, SigningKey{"a\"b", first.secret},
        SigningKey{std::string(33, 'k'), first.secret}, SigningKey{"k", first.secret.substr(1)},
        SigningKey{"k", std::string(32, 'x')}})
    EXPECT_THROW(AccessTokens({first, wrong}), std::invalid_argument) << wrong.id;
}

/// Made with another implementation: Python's hmac over the same header and claims.
TEST(AccessTokens, AreSignedWithHmacSha256) {
  const AccessTokens tokens({SigningKey{"k1", "0123456789abcdef0123456789abcdeX"}});
  const Instant at(std::chrono::seconds(1'800'000'000));
  const Identity seller{UserId{42}, SessionId{77}, Role::seller, true, at + std::chrono::minutes(15)};
  EXPECT_EQ(parts_of(tokens.sign(seller, at))[2], "i75M5WnsG3atLAWHGwnoY7fSJEWXjiOFK7U0kI4bxdw");
}

TEST(AccessTokens, ASecretLongerThanABlockIsHashedFirst) {
  const AccessTokens longer({SigningKey{"k1", first.secret + first.secret + first.secret}});
  EXPECT_TRUE(longer.verify(longer.sign(alice(), now), now));
  EXPECT_TRUE(is_refused(AccessTokens({first}), longer.sign(alice(), now)));
}

TEST(AccessTokens, AreRefusedWithAnyCharacterChanged) {
  const AccessTokens tokens({first});
  const std::string token = tokens.sign(alice(), now);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(tokens.verify(changed, now).has_value(), changed == token) << i;
  }
}

}  // namespace
}  // namespace market::wire
