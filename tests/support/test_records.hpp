#pragma once
/// The records in memory, for tests of whoever folds and reads them; any thread.

#include <atomic>
#include <map>
#include <mutex>

#include "domain/sale/fold_order.hpp"
#include "ports/order_records.hpp"

namespace market::tests {

class TestRecords final : public OrderRecords, public RecordFold {
 public:
  Result<Place> fold(Place from, std::span<const CountedEvents> groups) override {
    const std::scoped_lock lock(mutex_);
    if (fail_next > 0) {
      --fail_next;
      return fail(Code::unavailable, "the records are away");
    }
    if (from != place_) return place_;
    if (!log_) folded_unnamed = true;
    for (const auto& group : groups)
      for (const auto& counted : *group)
        if (counted.place > place_) fold_one(counted);
    return place_;
  }
  /// As a server whose disk, or whose predecessor, knew more.
  void go_back(Place place) {
    const std::scoped_lock lock(mutex_);
    place_ = std::min(place_, place);
    std::erase_if(orders_, [&](const auto& each) { return each.second->place > place_; });
  }
  Result<Place> place() override {
    const std::scoped_lock lock(mutex_);
    return place_;
  }
  Result<LogId> log() override {
    if (log_away) return fail(Code::unavailable, "the records are away");
    const std::scoped_lock lock(mutex_);
    return log_;
  }
  Result<> set_log(LogId log) override {
    if (unnamed) return fail(Code::unavailable, "the records are away");
    const std::scoped_lock lock(mutex_);
    log_ = log;
    return {};
  }
  Result<std::vector<RecordedProduct>> products() override {
    const std::scoped_lock lock(mutex_);
    std::vector<RecordedProduct> all;
    for (const auto& [id, product] : products_) all.push_back(product);
    return all;
  }
  Result<std::vector<OrderId>> beyond(Place place) override {
    const std::scoped_lock lock(mutex_);
    std::vector<OrderId> all;
    for (const auto& [id, order] : orders_)
      if (order->place > place) all.push_back(id);
    return all;
  }
  Result<OrderPtr> load(OrderId id) override {
    const std::scoped_lock lock(mutex_);
    return order(id);
  }

  Task<FoundOrder> find(OrderId id) override {
    if (reads_away) co_return fail(Code::unavailable, "the records are away");
    const std::scoped_lock lock(mutex_);
    const FoundOrder found{order(id), place_};
    co_return found;
  }
  /// As a store does: the key of an order is found among its buyer's alone.
  Task<FoundKey> find_key(UserId user, RequestKey key, Instant since) override {
    if (reads_away) co_return fail(Code::unavailable, "the records are away");
    const std::scoped_lock lock(mutex_);
    FoundKey found;
    found.as_of = place_;
    const auto bound = keys_.find(key);
    if (bound == keys_.end() || bound->second.second < since) co_return found;
    const auto order = orders_.find(OrderId{bound->second.first.subject});
    if (order == orders_.end() || order->second->user == user) found.bound = bound->second.first;
    co_return found;
  }
  Task<FoundOrders> list(UserId user, OrderFilter filter) override {
    const std::scoped_lock lock(mutex_);
    FoundOrders found;
    found.as_of = place_;
    int looked = 0;
    for (auto entry = orders_.rbegin(); entry != orders_.rend(); ++entry) {
      const auto& order = entry->second;
      if (order->user != user || (filter.before && order->id >= filter.before)) continue;
      if (static_cast<int>(found.orders.size()) >= filter.limit) break;
      if (filter.state && looked++ == looked_through_max) {
        found.next = OrderId{order->id.value + 1};
        break;
      }
      if (filter.state && order->state != *filter.state) continue;
      found.orders.push_back(order);
    }
    co_return found;
  }

  std::atomic<int> fail_next{0};                      ///< So many calls of fold() fail.
  std::atomic<bool> log_away{false}, unnamed{false};  ///< log() fails; set_log() does.
  std::atomic<bool> reads_away{false};                ///< find() and find_key() fail.
  std::atomic<bool> folded_unnamed{false};            ///< fold() came before set_log().

 private:
  OrderPtr order(OrderId id) const {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : found->second;
  }
  void fold_one(const CountedEvent& counted) {
    place_ = counted.place;
    const Event& event = counted.event;
    const OrderId id = order_of(event.fact);
    if (event.key)
      keys_[event.key] = {BoundKey{id ? id.value : product_of(event.fact).value, event.fingerprint},
                          event.at};
    if (std::holds_alternative<OrderAccepted>(event.fact)) {
      orders_[id] = std::make_shared<const Order>(accepted_order(counted));
    } else if (const auto before = order(id)) {
      Order changed = *before;
      fold_order(changed, counted);
      orders_[id] = std::make_shared<const Order>(std::move(changed));
    }
    fold_product(event);
  }
  void fold_product(const Event& event) {
    if (const auto* listed = std::get_if<ProductListed>(&event.fact)) {
      auto& product = products_[listed->product];
      product.id = listed->product;
      product.created_at = event.at;
      change(product, 1, listed->terms, listed->texts, event.at);
    } else if (const auto* changed = std::get_if<ProductChanged>(&event.fact)) {
      change(products_[changed->product], changed->version, changed->terms, changed->texts, event.at);
    }
    for (const auto& move : stock_moves(event.fact)) {
      const auto product = products_.find(move.product);
      if (product == products_.end()) continue;
      product->second.stock.remaining += move.remaining;
      product->second.stock.capacity += move.capacity;
    }
  }
  static void change(RecordedProduct& product, std::int64_t version, const ProductTerms& terms,
                     const ProductTexts& texts, Instant at) {
    product.version = version;
    product.terms = terms;
    product.texts = texts;
    product.updated_at = at;
    if (product.names.empty() || product.names.back().second != texts.name)
      product.names.emplace_back(version, texts.name);
  }

  std::mutex mutex_;
  std::map<OrderId, OrderPtr> orders_;
  std::map<ProductId, RecordedProduct> products_;
  std::map<RequestKey, std::pair<BoundKey, Instant>> keys_;
  LogId log_;
  Place place_ = 0;
};

}  // namespace market::tests
