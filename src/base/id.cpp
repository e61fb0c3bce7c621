#include "base/id.hpp"

#include <algorithm>
#include <random>

namespace market {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford: no I, L, O, U.
constexpr std::int64_t epoch_ms = 1'704'067'200'000;                       // 2024-01-01T00:00:00Z.
constexpr int bits_below = 22;

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr auto values = make_values();

}  // namespace

void format_id_to(std::int64_t value, char* out) {
  auto rest = static_cast<std::uint64_t>(value);
  for (std::size_t i = id_length; i-- > 0; rest >>= 5) out[i] = alphabet[rest & 31];
}

std::string format_id(std::int64_t value) {
  std::string text(id_length, '0');
  format_id_to(value, text.data());
  return text;
}

Result<std::int64_t> parse_id(std::string_view text) {
  if (text.size() != id_length) return fail(Code::not_found, "no such id");
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = values[static_cast<unsigned char>(c)];
    if (digit < 0) return fail(Code::not_found, "no such id");
    if (value >> 58 != 0) return fail(Code::not_found, "no such id");  // More than 63 bits.
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  if (value == 0) return fail(Code::not_found, "no such id");
  return static_cast<std::int64_t>(value);
}

std::int64_t first_id_of(Instant now) {
  return std::max<std::int64_t>((now.time_since_epoch().count() - epoch_ms) << bits_below, 1);
}

Instant time_of_id(std::int64_t id) {
  return Instant(Millis((id >> bits_below) + epoch_ms));
}

IdSource::IdSource(const Clock& clock)
    : clock_(clock), start_(std::random_device{}() & ((1u << bits_below) - 1)) {}

std::int64_t IdSource::next() {
  const std::int64_t wanted = first_id_of(clock_.now()) | start_;
  std::int64_t last = last_.load(std::memory_order_relaxed);
  std::int64_t fresh;
  do {
    fresh = std::max(wanted, last + 1);
  } while (!last_.compare_exchange_weak(last, fresh, std::memory_order_relaxed));
  return fresh;
}

}  // namespace market
