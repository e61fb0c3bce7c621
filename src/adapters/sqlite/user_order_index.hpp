#pragma once
/// Which orders a user has: sorted segments on disk and, in memory, the orders of the segment that is still
/// open. An index over randomly ordered users would cost the fold 8-10 us per order; segments are written in
/// sorted order, so that each is an append (docs/decisions/0003-records-indexes.md). Writes: the fold thread;
/// reads: any.

#include <atomic>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <shared_mutex>
#include <span>
#include <vector>

#include "domain/sale/order.hpp"

namespace market::sqlite {

struct Segment {
  std::int64_t number = 0;
  OrderId low, high;
  OrderId high_so_far;  ///< Of this and all older segments: late orders let ids of neighbours overlap.
};
using Segments = std::vector<Segment>;  ///< Oldest first.
struct UserOrder {
  UserId user;
  OrderId order;
  friend auto operator<=>(const UserOrder&, const UserOrder&) = default;
};

class UserOrderIndex {
 public:
  struct View {
    std::vector<OrderId> open;  ///< Rising.
    std::shared_ptr<const Segments> segments;
    std::uint64_t closed = 0;
  };
  /// A reader compares closed() from before its snapshot with the view's: when they differ, a segment may
  /// have moved from memory to disk in between, and it takes a new snapshot.
  std::uint64_t closed() const { return closed_.load(std::memory_order_acquire); }
  /// `user`'s open orders below `before` (none: all).
  View view(UserId user, OrderId before) const;

  // The fold thread only.
  /// Before the commit of their rows: an id without a row is skipped by readers. A known one is fine.
  void add(std::span<const UserOrder> orders);
  std::size_t open_count() const { return open_count_; }
  std::vector<UserOrder> sorted_open() const;
  OrderId indexed_through() const { return segments_->empty() ? OrderId{} : segments_->back().high_so_far; }
  std::int64_t next_segment() const { return segments_->empty() ? 1 : segments_->back().number + 1; }
  /// After the commit of the segment that holds all open orders.
  void close(Segment written);
  /// What the file says, at open and after a failed commit.
  void reset(Segments segments, std::span<const UserOrder> open);

 private:
  using Ids = boost::container::small_vector<OrderId, 2>;
  void add_one(const UserOrder& one);

  mutable std::shared_mutex mutex_;
  std::atomic<std::uint64_t> closed_{0};
  std::shared_ptr<const Segments> segments_ = std::make_shared<const Segments>();
  boost::unordered_flat_map<UserId, Ids> open_;
  std::size_t open_count_ = 0;
};

}  // namespace market::sqlite
