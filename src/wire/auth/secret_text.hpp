#pragma once
/// Secrets as text: random tokens, and the hashes under which they are stored.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace market::wire {

/// base64url without padding.
std::string secret_text(std::span<const std::uint8_t> random_bytes);
/// BLAKE2b-256 as base64url: what a store keeps instead of a random token. Not for passwords.
std::string secret_hash(std::string_view secret);

using SecretKey = std::array<std::uint8_t, 32>;
/// A secret that follows from another one for whoever has the key (HMAC-SHA256), as base64url.
std::string derived_secret(const SecretKey& key, std::string_view secret);

}  // namespace market::wire
