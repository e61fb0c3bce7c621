#pragma once
/// Orders newer than the records: laid over them, so that everybody sees an order from its answer on. Sharded
/// by user; bounded by the gate's fold_lag_max.

#include <array>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <span>
#include <vector>

#include "domain/sale/event.hpp"
#include "domain/sale/sale_engine.hpp"

namespace market::sale {

/// An order as it is after the event at `position`.
struct ChangedOrder {
  OrderPtr order;
  Position position = 0;
};

class OrderOverlay {
 public:
  void publish(std::span<const ChangedOrder> changes);
  /// Forgets those of `changes` that were not changed again since; called when the records have them.
  void forget(std::span<const ChangedOrder> changes);

  /// Null order: nothing newer than the records.
  ChangedOrder find(UserId user, OrderId id) const;
  std::vector<ChangedOrder> of_user(UserId user) const;

 private:
  static constexpr std::size_t shard_count = 64;
  /// In the order of ids. Forgotten ones (position 0) stay until they are half of all: whoever orders
  /// thousands of times in a rush costs no more per order than anybody else.
  struct OfUser {
    boost::container::small_vector<ChangedOrder, 1> orders;
    std::size_t forgotten = 0;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    boost::unordered_flat_map<UserId, OfUser> users;
  };
  static std::size_t shard_of(UserId user) { return hash_value(user) >> 58; }
  std::array<Shard, shard_count> shards_;
};

}  // namespace market::sale
