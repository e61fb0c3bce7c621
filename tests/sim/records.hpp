#pragma once
/// Simulated records and snapshot: they lag behind the log and are sometimes away.

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>

#include "ports/order_records.hpp"
#include "ports/snapshot_store.hpp"

namespace market::sim {

class SimRecords final : public OrderFold {
 public:
  Result<> store(std::span<const OrderPtr> orders, Position through) override {
    if (away) return fail(Code::unavailable, "the records are away");
    for (const OrderPtr& order : orders) {
      orders_[order->id] = order;
      if (order->key) keys_[order->key] = order->id;
    }
    position_ = through;
    return {};
  }
  Result<Position> position() override { return position_; }
  Result<OrderPtr> load(OrderId id) override {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : found->second;
  }
  OrderPtr find_by_key(UserId user, RequestKey key) const {
    const auto id = keys_.find(key);
    if (id == keys_.end()) return nullptr;
    const OrderPtr& order = orders_.at(id->second);
    return order->user == user ? order : nullptr;
  }
  std::size_t size() const { return orders_.size(); }
  bool away = false;

 private:
  boost::unordered_flat_map<OrderId, OrderPtr> orders_;
  boost::unordered_flat_map<RequestKey, OrderId> keys_;
  Position position_ = 0;
};

struct SimSnapshots final : SnapshotStore {
  Result<std::optional<std::string>> load() override { return bytes; }
  Result<> store(const std::string& fresh) override {
    bytes = fresh;
    return {};
  }
  std::optional<std::string> bytes;
};

}  // namespace market::sim
