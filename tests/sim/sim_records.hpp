#pragma once
/// The records: a fold of the log by the production's fold_order(), in one guarded transaction at a time;
/// rows carry places. They may be away, roll a transaction back, or lose the answer to a commit; a look-up is
/// answered as of a place. The guard's row lock makes transactions follow each other, so each is one step
/// here.

#include <map>
#include <span>

#include "domain/sale/fold_order.hpp"
#include "ports/order_records.hpp"
#include "tests/sim/world.hpp"

namespace market::sim {

class Checker;

class SimRecords final : public OrderRecords {
 public:
  SimRecords(World& world, Checker& checker) : world_(world), checker_(checker) {}

  Result<Place> fold(Place from, std::span<const CountedEvents> groups);
  Result<Place> place() const;
  FoundOrder look_up(OrderId id) const;
  FoundKey look_up(RequestKey key) const;

  // For LayeredOrderReader; virtual time passes meanwhile.
  Task<FoundOrder> find(OrderId id) override;
  Task<FoundKey> find_key(UserId user, RequestKey key, Instant since) override;
  Task<FoundOrders> list(UserId user, OrderFilter filter) override;

  const std::map<OrderId, OrderPtr>& rows() const { return rows_; }
  const std::map<ProductId, std::int64_t>& remaining() const { return remaining_; }
  Place stored_place() const { return place_; }
  void go_away(Instant until) { away_until_ = until; }
  bool away() const { return world_.now() < away_until_; }

 private:
  void fold_one(const CountedEvent& counted);
  void roll_back(Place from, std::span<const CountedEvents> groups);

  World& world_;
  Checker& checker_;
  std::map<OrderId, OrderPtr> rows_;
  std::map<RequestKey, BoundKey> keys_;
  std::map<ProductId, std::int64_t> remaining_;
  Place place_ = 0;
  Instant away_until_{};
};

}  // namespace market::sim
