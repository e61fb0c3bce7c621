#pragma once
/// Token buckets against guessing and mass sign-up. A try is taken before the work and given back unless it
/// is kept, so that many tries at once are no way around; what is kept are failures and, in buckets of their
/// own, successes. A stranger's guesses from elsewhere never lock the owner out (ASVS 6.1.1). Bounded: a full
/// table forgets full buckets, which say nothing, then its fullest; who is refused adds none. With
/// SharedLimits several instances count together; while those are away, each counts alone.
///
///   auto tried = co_await limiter.take_shared(std::move(limits), now);
///   if (!tried) co_return fail(tried.error());
///   ...                                        // The work; whatever ends it early gives the try back.
///   if (!right) tried->keep();

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/shared_limits.hpp"
#include "wire/auth/digest.hpp"

namespace market::user {

class GuessLimiter {
 public:
  static constexpr std::size_t buckets_max = 65'536;
  struct Rate {
    double burst;
    Millis refill;  ///< Time until one more try.
  };
  /// One bucket. Of an account's, the name is made of its key, never of a spelling.
  struct Limit {
    std::string name;
    Rate rate;
  };

  class Try {
   public:
    Try(Try&& other) noexcept
        : limiter_(std::exchange(other.limiter_, nullptr)),
          taken_(std::move(other.taken_)),
          shared_(std::move(other.shared_)) {}
    Try& operator=(Try&&) = delete;
    ~Try() { end(true); }
    /// It counts.
    void keep() { end(false); }

   private:
    friend class GuessLimiter;
    struct Taken {
      wire::Digest128 bucket;
      double burst;
    };
    explicit Try(GuessLimiter* limiter) : limiter_(limiter) {}
    void end(bool give_back);
    GuessLimiter* limiter_;
    boost::container::small_vector<Taken, 2> taken_;
    std::vector<SharedBucket> shared_;  ///< Taken there, too.
  };

  /// `key`: random, of this process alone; without it a stranger could compute names that share a bucket.
  GuessLimiter(bool enabled, const wire::DigestKey& key, SharedLimits* shared = nullptr)
      : enabled_(enabled), key_(key), shared_(shared) {}

  /// Takes a try of each bucket, or of none, of all instances together where they can be asked. Errors:
  /// rate_limited with the seconds to wait.
  Task<Try> take_shared(std::vector<Limit> limits, Instant now);
  /// Of this instance alone.
  Result<Try> take(const std::vector<Limit>& limits, Instant now);

 private:
  struct Bucket {
    double tries;
    Instant at;
    Rate rate;
    unsigned under_way = 0;
    double tries_at(Instant now) const;
  };
  struct DigestHash {
    std::size_t operator()(const wire::Digest128& digest) const { return digest.lo; }
  };
  /// As it is now; one that is not kept is full.
  Bucket refilled(const wire::Digest128& name, Rate rate, Instant now) const;
  void make_room(Instant now);

  const bool enabled_;
  const wire::DigestKey key_;
  SharedLimits* const shared_;
  std::mutex mutex_;
  boost::unordered_flat_map<wire::Digest128, Bucket, DigestHash> buckets_;
};

/// The client as limits see it: an IPv4 address, or the /64 of an IPv6 one.
std::string limit_address(std::string_view remote_address);

}  // namespace market::user
