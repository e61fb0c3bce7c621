#pragma once
/// Token buckets by key: a user, an address, a route. Any thread; bounded, so that a flood of keys forgets
/// old ones instead of growing. Several gateways may share them (services/gateway/shared_rates.hpp): a bucket
/// tells what was taken from it, and learns what others took; of a quiet client it tells nothing.

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
  /// Takes one token. `now_ms`: any monotonic clock, the same at each call. `paid`: the request took its
  /// token when it was asked about before; it is told what is left.
  Verdict take(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms, bool paid = false);

  /// What was taken of a bucket and told nobody yet.
  struct Untold {
    std::uint64_t key = 0;
    RateLimit limit;
    double taken = 0;
  };
  /// Once, before the first take().
  void share() { shared_ = true; }
  /// At most `most`; they count as told.
  std::vector<Untold> untold(std::size_t most);
  /// What all have left of it, when `use` had been told.
  void settle(const Untold& use, double left);
  /// It could not be told.
  void take_back(const Untold& use);

 private:
  struct Bucket {
    std::uint64_t key = 0;
    double tokens = 0;
    std::int64_t at_ms = 0;
    float untold = 0;
    bool listed = false;  ///< Among `pressing`.
  };
  static constexpr std::size_t shards = 16;
  static constexpr std::size_t buckets_max = 16'384;  ///< Per shard.
  static constexpr std::size_t ways = 8;              ///< Places a key may have; the oldest makes room.
  struct Shard {
    std::mutex mutex;
    std::vector<Bucket> buckets;   ///< Made with the first key.
    std::vector<Untold> pressing;  ///< Buckets that have something to tell; at most pressing_max.
  };
  static constexpr std::size_t pressing_max = 1'024;  ///< Per shard.
  /// Of burst and rate: what a client may use of a gateway without the others being told.
  static constexpr double quiet_part = 0.125;
  static std::size_t first_of(std::uint64_t key);
  static Bucket* known(Shard& shard, std::uint64_t key);
  static void tell(Shard& shard, Bucket& bucket, const RateLimit& limit, double passed);
  static std::uint64_t spread(std::uint64_t key) {
    return key * 0x9E3779B97F4A7C15ull | 1;  // 0 marks an empty place.
  }
  static Bucket& find(Shard& shard, std::uint64_t key, const RateLimit& limit, std::int64_t now_ms);
  std::array<Shard, shards> shards_;
  bool shared_ = false;
  std::size_t next_shard_ = 0;  ///< Of whoever tells, one thread.
};

}  // namespace market::gateway
