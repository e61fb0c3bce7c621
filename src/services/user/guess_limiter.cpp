#include "services/user/guess_limiter.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cmath>

namespace market::user {

namespace {

tl::unexpected<Error> too_many(int seconds) {
  ErrorExtras extras;
  extras.retry_after_seconds = std::max(1, seconds);
  return fail(Error(Code::rate_limited, "too many tries; wait before the next one", std::move(extras)));
}

tl::unexpected<Error> too_many(double tries, GuessLimiter::Rate rate, bool under_way) {
  const double wait_ms = (1 - tries) * static_cast<double>(rate.refill.count());
  // One that is under way may give its try back in a moment.
  return too_many(under_way ? 1 : static_cast<int>(std::ceil(wait_ms / 1'000)));
}

}  // namespace

double GuessLimiter::Bucket::tries_at(Instant now) const {
  const auto passed = static_cast<double>(std::max<Millis::rep>(0, (now - at).count()));
  return std::min(rate.burst, tries + passed / static_cast<double>(rate.refill.count()));
}

GuessLimiter::Bucket GuessLimiter::refilled(const wire::Digest128& name, Rate rate, Instant now) const {
  const auto entry = buckets_.find(name);
  if (entry == buckets_.end()) return Bucket{rate.burst, now, rate};
  Bucket bucket = entry->second;
  bucket.rate = rate;
  bucket.tries = bucket.tries_at(now);
  bucket.at = now;
  return bucket;
}

/// A sixteenth at least, so that the next thousands cost no look through all of them.
void GuessLimiter::make_room(Instant now) {
  constexpr std::size_t kept_max = buckets_max / 16 * 15;
  /// What is under way counts as nothing left: to forget it would let more of the same begin.
  const auto fullness = [now](const Bucket& bucket) {
    return bucket.under_way > 0 ? -1 : bucket.tries_at(now) / bucket.rate.burst;
  };
  boost::unordered::erase_if(buckets_, [&](const auto& entry) { return fullness(entry.second) >= 1; });
  if (buckets_.size() <= kept_max) return;
  std::vector<std::pair<double, wire::Digest128>> fullest;
  fullest.reserve(buckets_.size());
  for (const auto& [name, bucket] : buckets_) fullest.emplace_back(fullness(bucket), name);
  const auto kept = fullest.begin() + static_cast<std::ptrdiff_t>(kept_max);
  std::nth_element(fullest.begin(), kept, fullest.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto each = kept; each != fullest.end(); ++each) buckets_.erase(each->second);
}

/// Here first: whoever has no try left here has none left of all, and costs nobody a question.
Task<GuessLimiter::Try> GuessLimiter::take_shared(std::vector<Limit> limits, Instant now) {
  auto taken = take(limits, now);
  if (!taken || !enabled_ || shared_ == nullptr || limits.empty()) co_return taken;
  std::vector<SharedBucket> buckets;
  for (Limit& limit : limits)
    buckets.push_back(
        {"guess:" + std::move(limit.name), limit.rate.burst, static_cast<double>(limit.rate.refill.count())});
  const auto wait = co_await shared_->take(buckets);
  if (!wait) co_return taken;  // They cannot be asked: this instance's own count holds.
  if (*wait > Millis(0)) co_return too_many(static_cast<int>((wait->count() + 999) / 1'000));
  taken->shared_ = std::move(buckets);
  co_return taken;
}

Result<GuessLimiter::Try> GuessLimiter::take(const std::vector<Limit>& limits, Instant now) {
  Try taken(enabled_ ? this : nullptr);
  if (!enabled_) return taken;
  for (const Limit& limit : limits)
    taken.taken_.push_back({wire::keyed_digest_128(key_, limit.name), limit.rate.burst});
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Bucket bucket = refilled(taken.taken_[i].bucket, limits[i].rate, now);
    if (bucket.tries >= 1) continue;
    taken.limiter_ = nullptr;  // Nothing was taken.
    return too_many(bucket.tries, limits[i].rate, bucket.under_way > 0);
  }
  for (std::size_t i = 0; i < limits.size(); ++i) {
    Bucket bucket = refilled(taken.taken_[i].bucket, limits[i].rate, now);
    bucket.tries -= 1;
    ++bucket.under_way;
    buckets_.insert_or_assign(taken.taken_[i].bucket, bucket);
  }
  if (buckets_.size() > buckets_max) make_room(now);
  return taken;
}

void GuessLimiter::Try::end(bool give_back) {
  auto* const limiter = std::exchange(limiter_, nullptr);
  if (!limiter) return;
  if (give_back && !shared_.empty()) limiter->shared_->give_back(std::move(shared_));
  const std::scoped_lock lock(limiter->mutex_);
  for (const auto& one : taken_) {
    const auto entry = limiter->buckets_.find(one.bucket);
    if (entry == limiter->buckets_.end()) continue;  // The table was full meanwhile.
    Bucket& bucket = entry->second;
    if (bucket.under_way > 0) --bucket.under_way;
    if (give_back) bucket.tries = std::min(one.burst, bucket.tries + 1);
  }
}

std::string limit_address(std::string_view remote_address) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(remote_address), error);
  if (error || !address.is_v6()) return std::string(remote_address);
  const auto v6 = address.to_v6();
  // As some proxies write whoever came by IPv4: all of them would be one network.
  if (v6.is_v4_mapped()) return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  const auto bytes = v6.to_bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), 8);
}

}  // namespace market::user
