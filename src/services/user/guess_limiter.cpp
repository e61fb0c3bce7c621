#include "services/user/guess_limiter.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cmath>

namespace market::user {

GuessLimiter::Bucket& GuessLimiter::refilled(std::string_view what, Rate rate, Instant now) {
  if (buckets_.size() >= buckets_max) make_room();
  const auto [entry, fresh] =
      buckets_.try_emplace(std::hash<std::string_view>{}(what), Bucket{rate.burst, now});
  Bucket& bucket = entry->second;
  if (!fresh) {
    const auto passed = static_cast<double>(std::max<Millis::rep>(0, (now - bucket.at).count()));
    bucket.tries = std::min(rate.burst, bucket.tries + passed / static_cast<double>(rate.refill.count()));
    bucket.at = now;
  }
  return bucket;
}

void GuessLimiter::make_room() {
  boost::unordered::erase_if(buckets_, [](const auto& entry) { return entry.second.tries >= 1; });
  if (buckets_.size() >= buckets_max) buckets_.clear();
}

Result<> GuessLimiter::allow(std::string_view what, Rate rate, Instant now) {
  if (!enabled_) return {};
  const std::scoped_lock lock(mutex_);
  const Bucket& bucket = refilled(what, rate, now);
  if (bucket.tries >= 1) return {};
  ErrorExtras extras;
  const double wait_ms = (1 - bucket.tries) * static_cast<double>(rate.refill.count());
  extras.retry_after_seconds = static_cast<int>(std::ceil(wait_ms / 1'000));
  return fail(Error(Code::rate_limited, "too many tries; wait before the next one", std::move(extras)));
}

void GuessLimiter::charge(std::string_view what, Rate rate, Instant now) {
  if (!enabled_) return;
  const std::scoped_lock lock(mutex_);
  Bucket& bucket = refilled(what, rate, now);
  bucket.tries = std::max(0.0, bucket.tries - 1);
}

std::string limit_address(std::string_view remote_address) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(remote_address), error);
  if (error || !address.is_v6()) return std::string(remote_address);
  const auto bytes = address.to_v6().to_bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), 8);
}

}  // namespace market::user
