#pragma once
/// Token buckets by key: a user, an address, a route. Any thread; bounded, so that a flood of keys forgets
/// old ones instead of growing.

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

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
  /// Of a request that will be asked about again.
  void give_back(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms);

 private:
  struct Bucket {
    std::uint64_t key = 0;
    double tokens = 0;
    std::int64_t at_ms = 0;
  };
  static constexpr std::size_t shards = 16;
  static constexpr std::size_t buckets_max = 16'384;  ///< Per shard.
  static constexpr std::size_t ways = 8;              ///< Places a key may have; the oldest makes room.
  struct Shard {
    std::mutex mutex;
    std::vector<Bucket> buckets;  ///< Made with the first key.
  };
  static std::uint64_t spread(std::uint64_t key) {
    return key * 0x9E3779B97F4A7C15ull | 1;  // 0 marks an empty place.
  }
  static Bucket& find(Shard& shard, std::uint64_t key, const RateLimit& limit, std::int64_t now_ms);
  std::array<Shard, shards> shards_;
};

}  // namespace market::gateway
