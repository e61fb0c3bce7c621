#include "wire/access_token.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "wire/base64url.hpp"
#include "wire/json.hpp"

namespace market::wire {
namespace {

constexpr std::size_t token_bytes_max = 4096;
constexpr std::size_t secret_bytes_min = 32;
constexpr std::size_t mac_bytes = crypto_auth_hmacsha256_BYTES;
constexpr std::size_t encoded_mac_bytes = 43;
constexpr std::string_view issuer = "market";
constexpr std::int64_t skew_seconds = 60;  // How far ahead another role's clock may be.

const crypto_auth_hmacsha256_state& state_of(const std::vector<unsigned char>& bytes) {
  return *reinterpret_cast<const crypto_auth_hmacsha256_state*>(bytes.data());
}

void compute_mac(const std::vector<unsigned char>& keyed_state, std::string_view signed_part,
                 unsigned char* mac) {
  crypto_auth_hmacsha256_state state = state_of(keyed_state);  // The key is hashed in already.
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(signed_part.data()),
                                signed_part.size());
  crypto_auth_hmacsha256_final(&state, mac);
}

void check_key(const SigningKey& key) {
  const bool plain = std::all_of(key.id.begin(), key.id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (key.id.empty() || key.id.size() > 32 || !plain)
    throw std::invalid_argument("a token key's id is 1 to 32 of A-Z a-z 0-9 _ -");
  if (key.secret.size() < secret_bytes_min)
    throw std::invalid_argument(fmt::format("token key '{}': the secret is shorter than 32 bytes", key.id));
  const bool varied =
      std::any_of(key.secret.begin(), key.secret.end(), [&](char c) { return c != key.secret[0]; });
  if (!varied)
    throw std::invalid_argument(fmt::format("token key '{}': the secret is no random value", key.id));
}

tl::unexpected<Error> refused() {
  return fail(Code::unauthenticated, "sign in first");
}

/// The claims of a token whose signature was right; still strict, as a key may be shared by mistake.
Result<Identity> identity_of(std::string_view claims, Instant now) {
  const auto json = parse_json(claims);
  if (!json) return refused();
  ObjectReader reader(*json);
  Identity identity;
  const std::string iss = reader.text("iss", 1, 64), aud = reader.text("aud", 1, 64);
  const auto user = UserId::parse(reader.text("sub", 1, 64));
  const auto session = reader.optional_text("sid", 1, 64);
  const auto role = parse_role(reader.text("role", 1, 16));
  const auto* verified = reader.member("ev", true);
  constexpr std::int64_t seconds_max = 100'000'000'000;
  const std::int64_t issued = reader.integer("iat", 0, seconds_max),
                     ends = reader.integer("exp", 0, seconds_max);
  if (!reader.finish() || iss != issuer || aud != issuer || !user || !role || !verified->is_bool())
    return refused();
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (ends <= seconds || issued > seconds + skew_seconds || ends <= issued) return refused();
  if (session) {
    const auto id = SessionId::parse(*session);
    if (!id) return refused();
    identity.session = *id;
  }
  identity.user = *user;
  identity.role = *role;
  identity.email_verified = verified->as_bool();
  identity.expires_at = Instant(std::chrono::seconds(ends));
  return identity;
}

}  // namespace

AccessTokens::AccessTokens(std::vector<SigningKey> keys) {
  if (keys.empty()) throw std::invalid_argument("there is no key to sign access tokens with");
  if (sodium_init() < 0) throw std::invalid_argument("libsodium cannot be initialised");
  for (SigningKey& key : keys) {
    check_key(key);
    Key ready;
    ready.header = encode_base64url(fmt::format(R"({{"alg":"HS256","kid":"{}","typ":"at+jwt"}})", key.id));
    ready.hmac_state.resize(sizeof(crypto_auth_hmacsha256_state));
    crypto_auth_hmacsha256_init(reinterpret_cast<crypto_auth_hmacsha256_state*>(ready.hmac_state.data()),
                                reinterpret_cast<const unsigned char*>(key.secret.data()), key.secret.size());
    ready.key = std::move(key);
    keys_.push_back(std::move(ready));
  }
}

std::string AccessTokens::sign(const Identity& identity, Instant issued_at) const {
  const auto seconds = [](Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  };
  std::string claims =
      fmt::format(R"({{"iss":"{}","aud":"{}","sub":"{}",)", issuer, issuer, identity.user.text());
  if (identity.session) claims += fmt::format(R"("sid":"{}",)", identity.session.text());
  claims += fmt::format(R"("role":"{}","ev":{},"iat":{},"exp":{}}})", text_of(identity.role),
                        identity.email_verified, seconds(issued_at), seconds(identity.expires_at));
  std::string token = keys_.front().header + '.' + encode_base64url(claims);
  unsigned char mac[mac_bytes];
  compute_mac(keys_.front().hmac_state, token, mac);
  token += '.';
  token += encode_base64url({reinterpret_cast<const char*>(mac), mac_bytes});
  return token;
}

Result<Identity> AccessTokens::verify(std::string_view token, Instant now) const {
  if (token.size() > token_bytes_max) return refused();
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last ||
      token.substr(first + 1, last - first - 1).find('.') != token.npos)
    return refused();
  // Only headers that we write ourselves are read at all, byte for byte: no other algorithm, no embedded key,
  // no critical extension can even be asked for (RFC 8725, sections 2.1 and 3.1).
  const std::string_view header = token.substr(0, first);
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.header == header; });
  if (key == keys_.end() || token.size() - last - 1 != encoded_mac_bytes) return refused();
  unsigned char sent[mac_bytes], right[mac_bytes];
  if (decode_base64url(token.substr(last + 1), sent) != mac_bytes) return refused();
  compute_mac(key->hmac_state, token.substr(0, last), right);
  if (sodium_memcmp(sent, right, mac_bytes) != 0) return refused();
  unsigned char claims[token_bytes_max];
  const auto size = decode_base64url(token.substr(first + 1, last - first - 1), claims);
  if (!size) return refused();
  return identity_of({reinterpret_cast<const char*>(claims), *size}, now);
}

}  // namespace market::wire
