#include "adapters/mysql/order_search.hpp"

#include <fmt/format.h>

#include "adapters/mysql/order_rows.hpp"

namespace market::mysql {
namespace {

/// As it stands in the column `lines`, whichever line it is.
std::string has_product(ProductId product) {
  return fmt::format("`lines` LIKE '%[{},%'", product.value);
}

Result<std::vector<OrderPtr>> orders_of(const std::vector<Row>& rows) {
  std::vector<OrderPtr> orders;
  for (const Row& row : rows) {
    auto order = sql::order_of(order_row_of(row, 0));
    if (!order) return fail(order.error());
    orders.push_back(std::move(*order));
  }
  return orders;
}

std::vector<WaitingOrder> read_waiting(Session& session, OrderState state, Instant until, WaitingOrder after,
                                       int limit) {
  std::vector<WaitingOrder> found;
  const auto since = after.since.time_since_epoch().count();
  for (const Row& row : session.query(fmt::format(
           "SELECT updated_at, id FROM orders WHERE state = {0} AND payment = 'paid' AND updated_at BETWEEN "
           "{1} AND {2} "
           "AND (updated_at > {1} OR id > {3}) ORDER BY updated_at, id LIMIT {4}",
           quoted(text_of(state)), since, until.time_since_epoch().count(), after.id.value, limit)))
    found.push_back(WaitingOrder{Instant(Millis(row.integer(0))), OrderId{row.integer(1)}});
  return found;
}

/// The rows that one page looks through are bounded, so that a rare thing costs several short statements.
Result<FoundPage> read_page(Session& session, const OrderQuery& query) {
  constexpr int most = OrderSearch::looked_through_max;
  std::string below = query.before ? fmt::format("id < {}", query.before.value) : "1 = 1";
  if (query.user) below += fmt::format(" AND user_id = {}", query.user.value);
  std::string wanted = "1 = 1";
  if (query.state) wanted += " AND state = " + quoted(text_of(*query.state));
  if (query.product) wanted += " AND " + has_product(query.product);
  const bool chosen = query.state || query.product;
  const auto looked = fmt::format("(SELECT * FROM orders WHERE {} ORDER BY id DESC LIMIT {}) looked", below,
                                  chosen ? most : query.limit);
  auto orders = orders_of(session.query(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY id DESC LIMIT {}",
                                                    order_column_list(""), looked, wanted, query.limit)));
  if (!orders) return fail(orders.error());
  FoundPage page;
  page.orders = std::move(*orders);
  if (static_cast<int>(page.orders.size()) == query.limit) {
    page.next = page.orders.back()->id;
    return page;
  }
  if (!chosen) return page;
  const auto last = session.query(
      fmt::format("SELECT id FROM orders WHERE {} ORDER BY id DESC LIMIT 1 OFFSET {}", below, most - 1));
  if (!last.empty()) page.next = OrderId{last[0].integer(0)};
  return page;
}

Result<OrderPtr> read_order(Session& session, OrderId id) {
  auto orders = orders_of(
      session.query(fmt::format("SELECT {} FROM orders WHERE id = {}", order_column_list(""), id.value)));
  if (!orders) return fail(orders.error());
  return orders->empty() ? OrderPtr() : std::move(orders->front());
}

Result<OrderCounts> count_orders(Session& session, ProductId product) {
  OrderCounts counts;
  // An order was placed after its product was listed: older ids need no look.
  OrderId behind{product.value};
  constexpr auto page = MysqlOrderSearch::counted_at_once;
  while (true) {
    // The rows that are looked at are bounded, not those that are found: a statement ends in time.
    const auto last = session
                          .query(fmt::format("SELECT count(*), max(id) FROM (SELECT id FROM orders WHERE "
                                             "id > {} ORDER BY id LIMIT {}) looked",
                                             behind.value, page))
                          .at(0);
    if (last.integer(0) == 0) return counts;
    const OrderId to{last.integer(1)};
    const auto orders = orders_of(
        session.query(fmt::format("SELECT {} FROM orders WHERE id > {} AND id <= {} AND {}",
                                  order_column_list(""), behind.value, to.value, has_product(product))));
    if (!orders) return fail(orders.error());
    for (const OrderPtr& order : *orders) counts.add(*order, product);
    if (last.integer(0) < page) return counts;
    behind = to;
  }
}

}  // namespace

template <class Read>
auto MysqlOrderSearch::ask(Read read) {
  return pool_.run(
      [this, read = std::move(read)] { return sessions_.run("cannot read the order records", read); });
}

Task<std::vector<WaitingOrder>> MysqlOrderSearch::waiting(OrderState state, Instant until, WaitingOrder after,
                                                          int limit) {
  return ask([=](Session& session) -> Result<std::vector<WaitingOrder>> {
    return read_waiting(session, state, until, after, limit);
  });
}

Task<FoundPage> MysqlOrderSearch::search(OrderQuery query) {
  return ask([query](Session& session) { return read_page(session, query); });
}

Task<OrderPtr> MysqlOrderSearch::find(OrderId id) {
  return ask([id](Session& session) { return read_order(session, id); });
}

Task<OrderCounts> MysqlOrderSearch::count(ProductId product) {
  return ask([product](Session& session) { return count_orders(session, product); });
}

}  // namespace market::mysql
