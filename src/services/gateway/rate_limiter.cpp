#include "services/gateway/rate_limiter.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace market::gateway {

std::size_t RateLimiter::first_of(std::uint64_t key) {
  return (key >> 8) % (buckets_max / ways) * ways;
}

RateLimiter::Bucket* RateLimiter::known(Shard& shard, std::uint64_t key) {
  if (shard.buckets.empty()) return nullptr;
  auto* const first = &shard.buckets[first_of(key)];
  auto* const found =
      std::find_if(first, first + ways, [key](const Bucket& each) { return each.key == key; });
  return found == first + ways ? nullptr : found;
}

RateLimiter::Bucket& RateLimiter::find(Shard& shard, std::uint64_t key, const RateLimit& limit,
                                       std::int64_t now_ms) {
  if (shard.buckets.empty()) shard.buckets.resize(buckets_max);
  const auto first = first_of(key);
  Bucket* oldest = &shard.buckets[first];
  for (auto* bucket = oldest; bucket != &shard.buckets[first] + ways; ++bucket) {
    if (bucket->key == key) return *bucket;
    if (bucket->at_ms < oldest->at_ms) oldest = bucket;
  }
  *oldest = Bucket{key, limit.burst, now_ms, 0, false};
  return *oldest;
}

RateLimiter::Verdict RateLimiter::take(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms,
                                       bool paid) {
  key = spread(key);
  auto& shard = shards_[key >> 60];
  const std::lock_guard lock(shard.mutex);
  auto& bucket = find(shard, key, limit, now_ms);
  const double passed = static_cast<double>(std::max<std::int64_t>(0, now_ms - bucket.at_ms)) / 1000.0;
  bucket.tokens = std::min(limit.burst, bucket.tokens + passed * limit.per_second);
  bucket.at_ms = now_ms;
  Verdict verdict;
  verdict.allowed = paid || bucket.tokens >= 1;
  if (verdict.allowed && !paid) bucket.tokens -= 1;
  if (shared_ && verdict.allowed && !paid) tell(shard, bucket, limit, passed);
  verdict.remaining = std::max(0, static_cast<int>(bucket.tokens));
  const double missing = verdict.allowed ? limit.burst - bucket.tokens : 1 - bucket.tokens;
  verdict.reset_seconds = std::max(1, static_cast<int>(std::ceil(missing / limit.per_second)));
  return verdict;
}

/// Told at once of whoever draws near the limit here, of others when it is worth a call. What a bucket has
/// got back while nobody could be told is not owed.
void RateLimiter::tell(Shard& shard, Bucket& bucket, const RateLimit& limit, double passed) {
  const double quiet = std::max(1.0, limit.burst * quiet_part);
  const double before = std::max(0.0, bucket.untold - passed * limit.per_second * quiet_part);
  const double owed_max = std::max(quiet + 1, limit.burst - bucket.tokens);
  bucket.untold = static_cast<float>(std::min(before + 1, owed_max));
  if (bucket.listed || shard.pressing.size() >= pressing_max) return;
  if (bucket.untold < quiet && bucket.tokens >= limit.burst * 3 / 4) return;
  bucket.listed = true;
  shard.pressing.push_back({bucket.key, limit, 0});
}

std::vector<RateLimiter::Untold> RateLimiter::untold(std::size_t most) {
  std::vector<Untold> all;
  for (std::size_t i = 0; i < shards && all.size() < most; ++i) {
    auto& shard = shards_[next_shard_++ % shards];
    const std::lock_guard lock(shard.mutex);
    while (!shard.pressing.empty() && all.size() < most) {
      Untold use = shard.pressing.back();
      shard.pressing.pop_back();
      auto* const bucket = known(shard, use.key);
      if (bucket == nullptr) continue;  // It made room for another.
      use.taken = std::exchange(bucket->untold, 0.0f);
      bucket->listed = false;
      all.push_back(use);
    }
  }
  return all;
}

void RateLimiter::settle(const Untold& use, double left) {
  auto& shard = shards_[use.key >> 60];
  const std::lock_guard lock(shard.mutex);
  auto* const bucket = known(shard, use.key);
  if (bucket != nullptr) bucket->tokens = std::min(bucket->tokens, left - bucket->untold);
}

void RateLimiter::take_back(const Untold& use) {
  auto& shard = shards_[use.key >> 60];
  const std::lock_guard lock(shard.mutex);
  auto* const bucket = known(shard, use.key);
  if (bucket == nullptr) return;
  bucket->untold = static_cast<float>(std::min(bucket->untold + use.taken, use.limit.burst));
}

}  // namespace market::gateway
