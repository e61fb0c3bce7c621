#pragma once
/// Ids: opaque, URL-safe, time-ordered. 63 bits: 41 of milliseconds since 2024-01-01 and 22 below them;
/// written as 13 characters of Crockford base32. Rising ids make every B-tree insert an append.

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace market {

std::string format_id(std::int64_t value);
/// Writes exactly id_length characters.
void format_id_to(std::int64_t value, char* out);
inline constexpr std::size_t id_length = 13;
/// Errors: not_found, when `text` is no id this platform could have given.
Result<std::int64_t> parse_id(std::string_view text);

/// An id of one kind of thing; 0 is "none".
template <class Tag>
struct Id {
  std::int64_t value = 0;
  friend auto operator<=>(Id, Id) = default;
  explicit operator bool() const { return value != 0; }
  std::string text() const { return format_id(value); }
  static Result<Id> parse(std::string_view text) {
    const auto value = parse_id(text);
    if (!value) return tl::unexpected<Error>(value.error());
    return Id{*value};
  }
};
template <class Tag>
std::size_t hash_value(Id<Tag> id) {  // Found by boost::hash; the multiply spreads the low bits.
  return static_cast<std::size_t>(static_cast<std::uint64_t>(id.value) * 0x9E3779B97F4A7C15ull);
}

using UserId = Id<struct UserTag>;
using ProductId = Id<struct ProductTag>;
using OrderId = Id<struct OrderTag>;
using SessionId = Id<struct SessionTag>;
using AttemptId = Id<struct AttemptTag>;  ///< One try to pay; also the provider's idempotency key.

/// The lowest id that `now` may give: ids sort by time. The 22 bits below the milliseconds are for whoever
/// counts.
std::int64_t first_id_of(Instant now);
/// When it was given, as far as ids were not ahead of the clock.
Instant time_of_id(std::int64_t id);

/// Ids of ordinary rows; any thread. Time and randomness, rising within a process; their table's key makes
/// them unique. (Orders, products and attempts get theirs from the sequencer.)
class IdSource {
 public:
  explicit IdSource(const Clock& clock);
  std::int64_t next();
  template <class Kind>
  Kind next_as() {
    return Kind{next()};
  }

 private:
  const Clock& clock_;
  const std::int64_t start_;  ///< Random: where this process begins within each millisecond.
  std::atomic<std::int64_t> last_{0};
};

}  // namespace market

template <class Tag>
struct std::hash<market::Id<Tag>> {
  std::size_t operator()(market::Id<Tag> id) const noexcept { return market::hash_value(id); }
};
