#include "sale/order_reader.hpp"

#include <algorithm>
#include <map>

#include "domain/sale/fold_order.hpp"

namespace market::sale {
namespace {

// The overlay is read first: what has left it by then is in the records that are read after it.

/// The order that these facts make by themselves, or null when its acceptance is not among them.
std::shared_ptr<Order> made_of(const std::vector<NewerFact>& facts) {
  if (facts.empty() || !std::holds_alternative<OrderAccepted>(facts.front().event->event.fact))
    return nullptr;
  return std::make_shared<Order>(accepted_order(*facts.front().event));
}

OrderPtr folded(std::shared_ptr<Order> order, const std::vector<NewerFact>& facts) {
  for (const NewerFact& fact : facts) fold_order(*order, *fact.event);
  return order;
}

using FactsByOrder = std::map<OrderId, std::vector<NewerFact>, std::greater<>>;

FactsByOrder by_order(std::vector<NewerFact> facts) {
  FactsByOrder orders;
  for (NewerFact& fact : facts) orders[fact.order].push_back(std::move(fact));
  return orders;
}

}  // namespace

Task<OrderPtr> LayeredOrderReader::find(UserId user, OrderId id) {
  const std::vector<NewerFact> facts = newer_.of_order(user, id);
  if (auto made = made_of(facts)) co_return folded(std::move(made), facts);
  const auto found = co_await records_.find(id);
  if (!found) co_return fail(found.error());
  if (!found->order && !facts.empty())
    co_return fail(Code::recovering, "the records are being made anew; ask again");
  if (!found->order || found->order->user != user) co_return fail(Code::order_not_found, "no such order");
  if (facts.empty()) co_return found->order;
  co_return folded(std::make_shared<Order>(*found->order), facts);
}

Task<FoundPage> LayeredOrderReader::list(UserId user, OrderFilter filter) {
  FactsByOrder newer = by_order(newer_.of_user(user));
  OrderFilter wider = filter;
  ++wider.limit;  // One more tells whether there is a next page.
  // Any of them may have left the state that is asked for; else a newer value only replaces an older one.
  if (filter.state) wider.limit += static_cast<int>(newer.size());
  const auto recorded = co_await records_.list(user, wider);
  if (!recorded) co_return fail(recorded.error());

  std::map<OrderId, OrderPtr, std::greater<>> merged;
  for (const OrderPtr& order : recorded->orders) {
    const auto facts = newer.find(order->id);
    merged[order->id] = facts == newer.end() ? order : folded(std::make_shared<Order>(*order), facts->second);
  }
  for (const auto& [id, facts] : newer) {
    if (merged.contains(id) || (filter.before && id >= filter.before)) continue;
    if (auto made = made_of(facts)) {
      merged[id] = folded(std::move(made), facts);
      continue;
    }
    if (!filter.state) continue;  // Recorded, and older than this page.
    // Its row has another state, but these facts may have brought it into the one that is asked for.
    const auto row = co_await records_.find(id);
    if (!row) co_return fail(row.error());
    if (row->order && row->order->user == user)
      merged[id] = folded(std::make_shared<Order>(*row->order), facts);
  }
  FoundPage page;
  page.next = recorded->next;
  for (const auto& [id, order] : merged) {
    if (id < recorded->next) break;  // What is behind it was not looked through: the next page has it.
    if (filter.before && id >= filter.before) continue;
    if (filter.state && order->state != *filter.state) continue;
    if (page.orders.size() == static_cast<std::size_t>(filter.limit)) {
      page.next = page.orders.back()->id;
      break;
    }
    page.orders.push_back(order);
  }
  co_return page;
}

}  // namespace market::sale
