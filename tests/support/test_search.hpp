#pragma once
/// A search through orders in memory, for tests of use cases.

#include <algorithm>
#include <map>

#include "ports/order_search.hpp"

namespace market::tests {

class TestSearch final : public OrderSearch {
 public:
  explicit TestSearch(const std::map<OrderId, Order>& orders) : orders_(orders) {}

  Task<std::vector<WaitingOrder>> waiting(OrderState state, Instant until, WaitingOrder after,
                                          int limit) override {
    if (failure) co_return fail(*failure, "asked for");
    std::vector<WaitingOrder> found;
    for (const auto& [id, order] : seen())
      if (const WaitingOrder each{order.updated_at, id};
          order.state == state && order.updated_at <= until && each > after)
        found.push_back(each);
    std::sort(found.begin(), found.end());
    if (found.size() > static_cast<std::size_t>(limit)) found.resize(static_cast<std::size_t>(limit));
    co_return found;
  }
  Task<FoundPage> search(OrderQuery query) override {
    if (failure) co_return fail(*failure, "asked for");
    FoundPage page;
    for (auto at = seen().rbegin(); at != seen().rend(); ++at) {
      const Order& order = at->second;
      const bool has_product =
          std::any_of(order.lines.begin(), order.lines.end(),
                      [&](const OrderLine& line) { return line.product == query.product; });
      if ((query.before && order.id >= query.before) || (query.state && order.state != *query.state) ||
          (query.user && order.user != query.user) || (query.product && !has_product))
        continue;
      if (page.orders.size() == static_cast<std::size_t>(query.limit)) {
        page.next = page.orders.back()->id;
        break;
      }
      page.orders.push_back(std::make_shared<const Order>(order));
    }
    co_return page;
  }
  Task<OrderPtr> find(OrderId id) override {
    if (failure) co_return fail(*failure, "asked for");
    const auto found = seen().find(id);
    if (found == seen().end()) co_return OrderPtr();
    co_return std::make_shared<const Order>(found->second);
  }
  Task<OrderCounts> count(ProductId product) override {
    if (failure) co_return fail(*failure, "asked for");
    OrderCounts counts;
    for (const auto& [id, order] : seen()) counts.add(order, product);
    co_return counts;
  }

  std::optional<Code> failure;
  std::optional<std::map<OrderId, Order>> frozen;  ///< As the records were at some moment.

 private:
  const std::map<OrderId, Order>& seen() const { return frozen ? *frozen : orders_; }
  const std::map<OrderId, Order>& orders_;
};

}  // namespace market::tests
