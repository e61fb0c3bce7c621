#pragma once
/// The records of orders as a map, for tests of the gate; any thread.

#include <atomic>
#include <map>
#include <mutex>

#include "ports/order_records.hpp"

namespace market::tests {

class TestRecords final : public OrderRecords, public OrderFold {
 public:
  Result<> store(std::span<const OrderPtr> orders, Position through) override {
    const std::scoped_lock lock(mutex_);
    if (fail_next > 0) {
      --fail_next;
      return fail(Code::unavailable, "the records are away");
    }
    for (const auto& order : orders) orders_[order->id] = order;
    position_ = through;
    return {};
  }
  Result<Position> position() override {
    const std::scoped_lock lock(mutex_);
    return position_;
  }
  Result<OrderPtr> load(OrderId id) override {
    const std::scoped_lock lock(mutex_);
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : found->second;
  }
  Task<FoundOrder> find(OrderId id) override {
    const std::scoped_lock lock(mutex_);
    const auto found = orders_.find(id);
    co_return FoundOrder{found == orders_.end() ? nullptr : found->second, position_};
  }
  Task<FoundOrder> find_by_key(UserId user, RequestKey key, Instant) override {
    const std::scoped_lock lock(mutex_);
    FoundOrder found{nullptr, position_};
    for (const auto& entry : orders_)
      if (entry.second->user == user && entry.second->key == key) found.order = entry.second;
    co_return found;
  }
  Task<FoundOrders> list(UserId user, OrderFilter) override {
    const std::scoped_lock lock(mutex_);
    FoundOrders found;
    found.as_of = position_;
    for (const auto& entry : orders_)
      if (entry.second->user == user) found.orders.push_back(entry.second);
    co_return found;
  }
  std::atomic<int> fail_next{0};  ///< So many calls of store() fail.

 private:
  std::mutex mutex_;
  std::map<OrderId, OrderPtr> orders_;
  Position position_ = 0;
};

}  // namespace market::tests
