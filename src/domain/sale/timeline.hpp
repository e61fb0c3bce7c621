#pragma once
/// What happened over time, in steps of one width. The width grows with the span, so that a sale of a minute
/// and one of a month both fit a chart.
///
///   Timeline timeline;
///   timeline.add(order.created_at, {.orders = 1, .units = 2});

#include <cstdint>
#include <map>

#include "base/time.hpp"

namespace market {

class Timeline {
 public:
  static constexpr std::int64_t steps_max = 240;
  struct Step {
    std::int64_t orders = 0, units = 0;  ///< Accepted.
    std::int64_t paid = 0;               ///< Units of orders that were paid.
    std::int64_t given_back = 0;         ///< Units of orders that expired, were cancelled or came back.
    Step& operator+=(const Step& other);
    friend bool operator==(const Step&, const Step&) = default;
  };

  void add(Instant at, const Step& what);
  Millis width() const { return width_; }
  /// By the begin of the step; those in which nothing happened are left out.
  const std::map<Instant, Step>& steps() const { return steps_; }

 private:
  /// The greatest step's begin at or below `at`.
  Instant begin_of(Instant at) const;
  void widen();

  Millis width_{1'000};
  std::map<Instant, Step> steps_;
};

}  // namespace market
