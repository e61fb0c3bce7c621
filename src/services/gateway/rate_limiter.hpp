#pragma once
/// Token buckets by key: a user, an address, a route. Any thread; bounded, so that a flood of keys forgets
/// old ones instead of growing.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <mutex>

#include "services/gateway/route.hpp"

namespace market::gateway {

class RateLimiter {
 public:
  struct Verdict {
    bool allowed = true;
    int remaining = 0;      ///< Whole requests left now.
    int reset_seconds = 0;  ///< Until the bucket is full again; when refused: until one is allowed.
  };
  /// Takes one token. `now_ms`: any monotonic clock, the same at each call.
  Verdict take(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms);

 private:
  struct Bucket {
    double tokens = 0;
    std::int64_t at_ms = 0;
  };
  static constexpr std::size_t shards = 16;
  static constexpr std::size_t buckets_max = 16'384;  ///< Per shard.
  struct Shard {
    std::mutex mutex;
    boost::unordered_flat_map<std::uint64_t, Bucket> buckets;
  };
  std::array<Shard, shards> shards_;
};

}  // namespace market::gateway
