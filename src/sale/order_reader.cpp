#include "sale/order_reader.hpp"

#include <algorithm>

namespace market::sale {

// The overlay is read first: what has left it by then is in the records that are read after it.

Task<OrderPtr> LayeredOrderReader::find(UserId user, OrderId id) {
  const ChangedOrder newer = newer_.find(user, id);
  if (newer.order) co_return newer.order;
  const auto found = co_await records_.find(id);
  if (!found) co_return fail(found.error());
  if (!found->order || found->order->user != user) co_return fail(Code::order_not_found, "no such order");
  co_return found->order;
}

Task<std::vector<OrderPtr>> LayeredOrderReader::list(UserId user, OrderFilter filter) {
  const std::vector<ChangedOrder> newer = newer_.of_user(user);
  OrderFilter wider = filter;
  // Any of them may have left the state that is asked for; else a newer value only replaces an older one.
  if (filter.state) wider.limit += static_cast<int>(newer.size());
  const auto recorded = co_await records_.list(user, wider);
  if (!recorded) co_return fail(recorded.error());

  boost::unordered_flat_map<OrderId, OrderPtr> merged;
  for (const OrderPtr& order : recorded->orders) merged[order->id] = order;
  for (const ChangedOrder& change : newer) {
    if (change.position > recorded->as_of) merged[change.order->id] = change.order;
  }
  std::vector<OrderPtr> page;
  for (const auto& entry : merged) {
    const Order& order = *entry.second;
    if (filter.before && order.id >= filter.before) continue;
    if (filter.state && order.state != *filter.state) continue;
    page.push_back(entry.second);
  }
  std::sort(page.begin(), page.end(), [](const OrderPtr& a, const OrderPtr& b) { return a->id > b->id; });
  if (page.size() > static_cast<std::size_t>(filter.limit))
    page.resize(static_cast<std::size_t>(filter.limit));
  co_return page;
}

}  // namespace market::sale
