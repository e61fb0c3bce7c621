#pragma once
/// Facts about orders that the records do not have yet, laid over the rows that are read from them, so that
/// everybody sees an order from its answer on. Sharded by user; bounded by the gate's fold_lag_max.

#include <array>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <vector>

#include "domain/sale/event.hpp"

namespace market::sale {

/// One fact, kept alive by its group.
struct NewerFact {
  OrderId order;
  std::shared_ptr<const CountedEvent> event;
};

class ReadOverlay {
 public:
  void publish(const CountedEvents& events);
  /// Called when the records have them; groups in order.
  void forget(const CountedEvents& events);

  /// In the order of their places; empty: nothing newer than the records.
  std::vector<NewerFact> of_order(UserId user, OrderId id) const;
  std::vector<NewerFact> of_user(UserId user) const;

 private:
  static constexpr std::size_t shard_count = 64;
  using Facts = boost::container::small_vector<NewerFact, 1>;  ///< Of one user, places rising.
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    boost::unordered_flat_map<UserId, Facts> users;
  };
  static std::size_t shard_of(UserId user) { return hash_value(user) >> 58; }
  std::array<Shard, shard_count> shards_;
};

}  // namespace market::sale
