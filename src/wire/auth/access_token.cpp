#include "wire/auth/access_token.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "wire/auth/base64url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/json_writer.hpp"

namespace market::wire {
namespace {

constexpr std::size_t token_bytes_max = 4096;
constexpr std::size_t secret_bytes_min = 32;
constexpr std::size_t mac_bytes = std::tuple_size_v<HmacSha256::Mac>;
constexpr std::size_t encoded_mac_bytes = 43;
constexpr std::string_view issuer = "market";
constexpr std::int64_t seconds_max = 100'000'000'000;
constexpr std::int64_t skew_seconds = 60;  // How far ahead another role's clock may be.

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

/// What a token says, before its times are judged.
struct Claims {
  Identity identity;
  std::int64_t issued = 0, ends = 0;
};

/// Reads the claims in the one form that sign() writes; false for any other, which may still be right.
bool read_own_claims(std::string_view text, Claims& claims) {
  const auto take = [&text](std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
  };
  const auto id = [&text](std::int64_t& value) {
    const auto parsed = parse_id(text.substr(0, id_length));
    if (!parsed) return false;
    value = *parsed;
    text.remove_prefix(id_length);
    return true;
  };
  const auto number = [&text](std::int64_t& value, std::int64_t max = seconds_max) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value < 0 || value > max) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  Identity& identity = claims.identity;
  if (!take(R"({"iss":"market","aud":"market","sub":")") || !id(identity.user.value)) return false;
  if (take(R"(","sid":")") && !id(identity.session.value)) return false;
  if (!take(R"(","role":")")) return false;
  const auto role_length = std::min(text.find('"'), text.size());
  const auto role = parse_role(text.substr(0, role_length));
  if (!role) return false;
  identity.role = *role;
  text.remove_prefix(role_length);
  if (!take(R"(",)")) return false;
  if (take(R"("role_at":)")) {
    std::int64_t changed_at = 0;
    if (!number(changed_at, 1'000 * seconds_max) || !take(",")) return false;
    identity.role_changed_at = Instant(Millis(changed_at));
  }
  if (!take(R"("ev":)")) return false;
  identity.email_verified = take("true");
  if (!identity.email_verified && !take("false")) return false;
  return take(R"(,"iat":)") && number(claims.issued) && take(R"(,"exp":)") && number(claims.ends) &&
         text == "}";
}

/// The same of any JSON; strict, as a key may be shared with another issuer by mistake.
Result<Claims> read_claims(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return refused();
  ObjectReader reader(*json);
  Claims claims;
  const std::string iss = reader.text("iss", 1, 64), aud = reader.text("aud", 1, 64);
  const auto user = UserId::parse(reader.text("sub", 1, 64));
  const auto session = reader.optional_text("sid", 1, 64);
  const auto role = parse_role(reader.text("role", 1, 16));
  const auto role_changed_at = reader.optional_integer("role_at", 0, 1'000 * seconds_max);
  const auto* verified = reader.member("ev", true);
  claims.issued = reader.integer("iat", 0, seconds_max);
  claims.ends = reader.integer("exp", 0, seconds_max);
  if (!reader.finish() || iss != issuer || aud != issuer || !user || !role || !verified->is_bool())
    return refused();
  if (session) {
    const auto id = SessionId::parse(*session);
    if (!id) return refused();
    claims.identity.session = *id;
  }
  claims.identity.user = *user;
  claims.identity.role = *role;
  claims.identity.role_changed_at = Instant(Millis(role_changed_at.value_or(0)));
  claims.identity.email_verified = verified->as_bool();
  return claims;
}

/// The claims of a token whose signature was right.
Result<Identity> identity_of(std::string_view text, Instant now) {
  Claims claims;
  if (!read_own_claims(text, claims)) {
    const auto read = read_claims(text);
    if (!read) return refused();
    claims = *read;
  }
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (claims.ends <= seconds || claims.issued > seconds + skew_seconds || claims.ends <= claims.issued)
    return refused();
  claims.identity.expires_at = Instant(std::chrono::seconds(claims.ends));
  return claims.identity;
}

}  // namespace

std::unique_ptr<const AccessTokens::Keys> AccessTokens::ready(std::vector<SigningKey> keys) {
  if (keys.empty()) throw std::invalid_argument("there is no key to sign access tokens with");
  auto set = std::make_unique<Keys>();
  for (const SigningKey& key : keys) {
    check_key(key);
    std::string header;
    JsonWriter json(header);
    json.begin_object().member("alg", "HS256").member("kid", key.id).member("typ", "at+jwt").end_object();
    Key made{encode_base64url(header), HmacSha256(key.secret)};
    const auto mac = made.mac.of("fingerprint");
    std::memcpy(&made.fingerprint, mac.data(), sizeof made.fingerprint);
    set->push_back(std::move(made));
  }
  return set;
}

AccessTokens::AccessTokens(std::vector<SigningKey> keys) {
  replace(std::move(keys));
}

void AccessTokens::replace(std::vector<SigningKey> keys) {
  auto set = ready(std::move(keys));
  const std::lock_guard lock(mutex_);
  sets_.push_back(std::move(set));
  keys_.store(sets_.back().get(), std::memory_order_release);
}

std::string AccessTokens::sign(const Identity& identity, Instant issued_at) const {
  const auto seconds = [](Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  };
  std::string claims;
  JsonWriter json(claims);
  json.begin_object().member("iss", issuer).member("aud", issuer).member("sub", identity.user.text());
  if (identity.session) json.member("sid", identity.session.text());
  json.member("role", text_of(identity.role));
  if (identity.role_changed_at > Instant())
    json.member("role_at", identity.role_changed_at.time_since_epoch().count());
  json.member("ev", identity.email_verified);
  json.member("iat", seconds(issued_at)).member("exp", seconds(identity.expires_at)).end_object();
  const Key& key = keys_.load(std::memory_order_acquire)->front();
  std::string token = key.header + '.' + encode_base64url(claims);
  const auto mac = key.mac.of(token);
  token += '.';
  token += encode_base64url({reinterpret_cast<const char*>(mac.data()), mac.size()});
  return token;
}

/// A request's filters and its handler ask about the same token, one after the other on one thread: what was
/// summed last is not summed again. Whether it is the sum that was sent is judged each time.
HmacSha256::Mac AccessTokens::sum_of(const Key& key, std::string_view text) {
  struct Summed {
    std::uint32_t fingerprint = 0;
    std::string text;
    HmacSha256::Mac sum{};
  };
  thread_local Summed last;
  if (last.text.empty() || last.fingerprint != key.fingerprint || last.text != text) {
    last.sum = key.mac.of(text);
    last.fingerprint = key.fingerprint;
    last.text = text;  // Bounded by token_bytes_max.
  }
  return last.sum;
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
  const Keys& keys = *keys_.load(std::memory_order_acquire);
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.header == header; });
  if (key == keys.end() || token.size() - last - 1 != encoded_mac_bytes) return refused();
  unsigned char sent[mac_bytes];
  if (decode_base64url(token.substr(last + 1), sent) != mac_bytes) return refused();
  const auto right = sum_of(*key, token.substr(0, last));
  if (CRYPTO_memcmp(sent, right.data(), right.size()) != 0) return refused();
  unsigned char claims[token_bytes_max];
  const auto size = decode_base64url(token.substr(first + 1, last - first - 1), claims);
  if (!size) return refused();
  auto identity = identity_of({reinterpret_cast<const char*>(claims), *size}, now);
  if (identity) identity->signed_by = key->fingerprint;
  return identity;
}

bool AccessTokens::accepts_key_of(const Identity& identity) const {
  const Keys& keys = *keys_.load(std::memory_order_acquire);
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key& key) { return key.fingerprint == identity.signed_by; });
}

}  // namespace market::wire
