#pragma once
/// Token buckets that several instances draw from. Whoever asks keeps buckets of its own beside them: while
/// these are away, it decides alone.

#include <string>
#include <vector>

#include "base/task.hpp"
#include "base/time.hpp"

namespace market {

struct SharedBucket {
  std::string name;  ///< May say whose it is: it is kept as a keyed sum.
  double burst = 1;
  double refill_ms = 1'000;  ///< Until one more.
};

class SharedLimits {
 public:
  static constexpr std::size_t buckets_max = 500;  ///< Of one call.

  struct Use {
    SharedBucket bucket;
    double taken = 0;
  };

  virtual ~SharedLimits() = default;
  /// One of each bucket, or of none: then for how long there is none. Errors: unavailable, overloaded,
  /// internal: decide alone.
  virtual Task<Millis> take(std::vector<SharedBucket> buckets) = 0;
  /// Best effort, never blocks; any thread.
  virtual void give_back(std::vector<SharedBucket> buckets) = 0;
  /// What was taken elsewhere already, also beyond what was there (a debt, at most the burst). Answers what
  /// is left in each. Errors: as take().
  virtual Task<std::vector<double>> settle(std::vector<Use> uses) = 0;
};

}  // namespace market
