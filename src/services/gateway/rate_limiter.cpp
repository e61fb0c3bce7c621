#include "services/gateway/rate_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace market::gateway {

RateLimiter::Verdict RateLimiter::take(std::uint64_t key, const RateLimit& limit, std::int64_t now_ms) {
  key *= 0x9E3779B97F4A7C15ull;
  auto& shard = shards_[key >> 60];
  const std::lock_guard lock(shard.mutex);
  if (shard.buckets.size() >= buckets_max && !shard.buckets.contains(key)) {
    // Those that had time to fill up say nothing any more.
    boost::unordered::erase_if(shard.buckets,
                               [now_ms](const auto& entry) { return now_ms - entry.second.at_ms > 60'000; });
    if (shard.buckets.size() >= buckets_max) shard.buckets.erase(shard.buckets.begin());
  }
  auto [found, fresh] = shard.buckets.try_emplace(key, Bucket{limit.burst, now_ms});
  auto& bucket = found->second;
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

}  // namespace market::gateway
