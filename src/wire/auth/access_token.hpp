#pragma once
/// Access tokens: JWT, HS256, key id, 15 minutes. Strict as RFC 8725 and RELIABILITY 4.2 say.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "domain/account/role.hpp"
#include "wire/auth/hmac_sha256.hpp"

namespace market::wire {

/// Who a checked token speaks for. A seeded load token has no session and cannot be revoked.
struct Identity {
  UserId user;
  SessionId session;
  Role role = Role::customer;
  bool email_verified = false;
  Instant expires_at{};
  std::uint32_t signed_by = 0;  ///< The key of a checked token, for AccessTokens::accepts_key_of().
  /// When the role was given, by the row that the token was made from; the epoch: not lately. So a list of
  /// changed roles tells a token of before a change from one of a later change that it has not heard of.
  Instant role_changed_at{};
};

struct SigningKey {
  std::string id;      ///< `kid`: 1..32 of [A-Za-z0-9_-].
  std::string secret;  ///< At least 32 random bytes.
};

/// Signs with the first key, accepts all of them. Thread-safe.
class AccessTokens {
 public:
  /// Throws std::invalid_argument with one clear line on a short or default secret or a bad key id.
  explicit AccessTokens(std::vector<SigningKey> keys);
  /// Other keys from now on (rotation). Throws as the constructor; the keys before stay then.
  void replace(std::vector<SigningKey> keys);
  std::string sign(const Identity& identity, Instant issued_at) const;
  /// Errors: unauthenticated, always without a reason a client could use.
  Result<Identity> verify(std::string_view token, Instant now) const;
  /// False once the key that signed a checked token was retired.
  bool accepts_key_of(const Identity& identity) const;

 private:
  struct Key {
    std::string header;  ///< Encoded header, ready to sign.
    HmacSha256 mac;
    std::uint32_t fingerprint = 0;  ///< Of the secret: tells keys apart, and nothing about them.
  };
  using Keys = std::vector<Key>;
  static HmacSha256::Mac sum_of(const Key& key, std::string_view text);
  static std::unique_ptr<const Keys> ready(std::vector<SigningKey> keys);

  std::mutex mutex_;  ///< One replace() at a time.
  /// Sets that were replaced are kept: a request on another thread may be reading one. They are few.
  std::vector<std::unique_ptr<const Keys>> sets_;
  std::atomic<const Keys*> keys_{nullptr};
};

}  // namespace market::wire
