#include "services/order/request_key.hpp"

#include <cstring>

#include "base/checksum.hpp"
#include "wire/auth/digest.hpp"

namespace market::order {

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

std::uint64_t fingerprint_of(const wire::WantedLines& lines) {
  char bytes[order_lines_max * (sizeof(std::int64_t) + sizeof(std::int32_t))];
  std::size_t size = 0;
  for (const auto& line : lines) {
    std::memcpy(bytes + size, &line.product.value, sizeof line.product.value);
    size += sizeof line.product.value;
    std::memcpy(bytes + size, &line.quantity, sizeof line.quantity);
    size += sizeof line.quantity;
  }
  return checksum({bytes, size});
}

}  // namespace market::order
