#include "services/auth/request_key.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/checksum.hpp"
#include "http/message/ascii.hpp"
#include "wire/auth/digest.hpp"

namespace market::auth {

namespace {
constexpr std::size_t key_length_max = 64;
}

Result<RequestKey> request_key_of(const http::Request& request, UserId user) {
  const auto only = request.only_header("Idempotency-Key");
  if (!only && !request.has_header("Idempotency-Key")) return RequestKey{};
  if (!only) return invalid_field("Idempotency-Key", "format", "there may be one Idempotency-Key only");
  const std::string_view text = *only;
  bool visible = !text.empty() && text.size() <= key_length_max;
  for (const char c : text) visible = visible && c > 0x20 && c < 0x7F;
  if (!visible)
    return invalid_field("Idempotency-Key", "format",
                         "Idempotency-Key must be 1 to 64 visible ASCII characters");

  // A cryptographic hash: a buyer must not find a key that meets another buyer's.
  char input[sizeof user.value + key_length_max];
  std::memcpy(input, &user.value, sizeof user.value);
  std::memcpy(input + sizeof user.value, text.data(), text.size());
  const auto digest = wire::digest_128({input, sizeof user.value + text.size()});
  return RequestKey{digest.hi, digest.lo};
}

std::uint64_t fingerprint_of(const http::Request& request, std::string_view meaning) {
  const std::uint64_t parts[] = {static_cast<std::uint64_t>(request.method), checksum(request.path),
                                 checksum(meaning)};
  return checksum({reinterpret_cast<const char*>(parts), sizeof parts});
}

RequestCopy request_copy_of(const http::Request& request, UserId user) {
  constexpr std::string_view separator = ";copy=";
  constexpr std::size_t id_length = 32;
  if (!request.from_trusted) return {};
  const auto only = request.only_header(http::copy_field);
  if (!only || only->size() <= id_length + separator.size()) return {};
  const std::string_view id = only->substr(0, id_length);
  if (!std::all_of(id.begin(), id.end(), [](char c) { return http::hex_value(c) >= 0; })) return {};
  if (only->substr(id_length, separator.size()) != separator) return {};
  const std::string_view digits = only->substr(id_length + separator.size());
  RequestCopy copy;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), copy.number);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  // The user's own, so that no gateway's random bits can meet another user's.
  char input[sizeof user.value + id_length];
  std::memcpy(input, &user.value, sizeof user.value);
  std::memcpy(input + sizeof user.value, id.data(), id.size());
  const auto digest = wire::digest_128({input, sizeof input});
  copy.request = RequestKey{digest.hi, digest.lo};
  return copy;
}

Result<> bind_request_key(Command& command, const http::Request& request, UserId user,
                          std::string_view meaning) {
  const auto key = request_key_of(request, user);
  if (!key) return fail(key.error());
  if (!*key) return {};
  command.key = *key;
  command.fingerprint = fingerprint_of(request, meaning);
  command.copy = request_copy_of(request, user);
  return {};
}

}  // namespace market::auth
