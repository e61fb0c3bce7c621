#include "services/gateway/rate_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace market::gateway {

RateLimiter::Bucket& RateLimiter::find(Shard& shard, std::uint64_t key, const RateLimit& limit,
                                       std::int64_t now_ms) {
  if (shard.buckets.empty()) shard.buckets.resize(buckets_max);
  const auto first = (key >> 8) % (buckets_max / ways) * ways;
  Bucket* oldest = &shard.buckets[first];
  for (auto* bucket = oldest; bucket != &shard.buckets[first] + ways; ++bucket) {
    if (bucket->key == key) return *bucket;
    if (bucket->at_ms < oldest->at_ms) oldest = bucket;
  }
  *oldest = Bucket{key, limit.burst, now_ms};
  return *oldest;
}

RateLimiter::Verdict RateLimiter::take(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms) {
  key = spread(key);
  auto& shard = shards_[key >> 60];
  const std::lock_guard lock(shard.mutex);
  auto& bucket = find(shard, key, limit, now_ms);
  const double passed = static_cast<double>(std::max<std::int64_t>(0, now_ms - bucket.at_ms)) / 1000.0;
  bucket.tokens = std::min(limit.burst, bucket.tokens + passed * limit.per_second);
  bucket.at_ms = now_ms;
  Verdict verdict;
  verdict.allowed = bucket.tokens >= 1;
  if (verdict.allowed) bucket.tokens -= 1;
  verdict.remaining = static_cast<int>(bucket.tokens);
  const double missing = verdict.allowed ? limit.burst - bucket.tokens : 1 - bucket.tokens;
  verdict.reset_seconds = std::max(1, static_cast<int>(std::ceil(missing / limit.per_second)));
  return verdict;
}

void RateLimiter::give_back(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms) {
  key = spread(key);
  auto& shard = shards_[key >> 60];
  const std::lock_guard lock(shard.mutex);
  auto& bucket = find(shard, key, limit, now_ms);
  bucket.tokens = std::min(limit.burst, bucket.tokens + 1);
}

}  // namespace market::gateway
