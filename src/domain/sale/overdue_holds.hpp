#pragma once
/// Units that an unpaid order holds longer than it may, as the log alone tells: its time is over, and events
/// were written for more than `slack` without giving them back. For the Audit.
///
/// Only the time in which somebody writes counts, so that a stop and an outage blame nobody; and whoever
/// gives back many at once, in their order, is at it.

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <queue>
#include <string>

#include "domain/sale/fold_order.hpp"

namespace market {

class OverdueHolds {
 public:
  static constexpr Millis slack{5'000};
  using Orders = boost::unordered_flat_map<OrderId, Order>;

  /// `attempt_bound`: how long an open payment delays the end (orders.attempt_bound).
  explicit OverdueHolds(Millis attempt_bound) : attempt_bound_(attempt_bound) {}
  /// Each event in order, once `orders` has it. Empty, or what is held too long.
  std::string see(const Event& event, const Orders& orders);

 private:
  static constexpr Millis gap_max{1'000};  ///< A writer of a shared log is never silent for longer.
  struct Hold {
    Instant due;
    OrderId order;
    bool operator>(const Hold& other) const { return due > other.due; }
  };
  struct Overdue {
    Hold hold;
    Millis since;
  };
  Instant due_of(const Order& order) const;

  Millis attempt_bound_;
  Instant last_at_{}, grace_until_{}, given_back_through_{};
  Millis written_for_{0};         ///< The sum of the times between events, each `gap_max` at most.
  Millis given_back_at_{-slack};  ///< When something was last given back, of `written_for_`.
  std::priority_queue<Hold, std::vector<Hold>, std::greater<>> held_;
  std::deque<Overdue> overdue_;
};

}  // namespace market
