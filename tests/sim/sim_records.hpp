#pragma once
/// The records: a fold of the log by the production's fold_order(), in one guarded transaction at a time;
/// rows carry places. And the live board beside them. Both may be away; a look-up is answered as of a place.

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

  World& world_;
  Checker& checker_;
  std::map<OrderId, OrderPtr> rows_;
  std::map<RequestKey, BoundKey> keys_;
  std::map<ProductId, std::int64_t> remaining_;
  Place place_ = 0;
  Instant away_until_{};
};

/// What everybody sees of the stock, written at or above the stored place only.
class SimBoard {
 public:
  SimBoard(World& world, Checker& checker) : world_(world), checker_(checker) {}
  void write(Place place, const std::map<ProductId, std::int64_t>& remaining);
  Place place() const { return place_; }

 private:
  World& world_;
  Checker& checker_;
  Place place_ = 0;
};

}  // namespace market::sim
