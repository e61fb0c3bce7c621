#pragma once
/// Token buckets against guessing and mass sign-up. Only failures are charged, so a stranger's guesses from
/// elsewhere never lock the owner out (ASVS 6.1.1). Bounded: a full table forgets its fullest buckets first.

#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace market::user {

class GuessLimiter {
 public:
  static constexpr std::size_t buckets_max = 65'536;
  struct Rate {
    double burst;
    Millis refill;  ///< Time until one more try.
  };
  explicit GuessLimiter(bool enabled) : enabled_(enabled) {}

  /// Errors: rate_limited with the seconds to wait, when the bucket `what` has no try left.
  Result<> allow(std::string_view what, Rate rate, Instant now);
  /// Takes one try away.
  void charge(std::string_view what, Rate rate, Instant now);

 private:
  struct Bucket {
    double tries;
    Instant at;
  };
  Bucket& refilled(std::string_view what, Rate rate, Instant now);
  void make_room();
  const bool enabled_;
  std::mutex mutex_;
  boost::unordered_flat_map<std::uint64_t, Bucket> buckets_;
};

/// The client as limits see it: an IPv4 address, or the /64 of an IPv6 one.
std::string limit_address(std::string_view remote_address);

}  // namespace market::user
