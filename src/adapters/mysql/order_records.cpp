#include "adapters/mysql/order_records.hpp"

#include <fmt/format.h>

#include "adapters/mysql/order_rows.hpp"

namespace market::mysql {
namespace {

Place place_of(const std::vector<Row>& rows) {
  if (rows.empty()) throw std::runtime_error("the records do not say how far they are");
  return rows[0].integer(0);
}

Result<FoundOrder> find_order(Session& session, OrderId id) {
  const auto rows = session.query(
      fmt::format("SELECT fold.log_place, {} FROM fold LEFT JOIN orders ON orders.id = {} WHERE only_row = 1",
                  order_column_list("orders."), id.value));
  FoundOrder found{nullptr, place_of(rows)};
  if (rows[0].is_null(1)) return found;
  auto order = sql::order_of(order_row_of(rows[0], 1));
  if (!order) return fail(order.error());
  found.order = std::move(*order);
  return found;
}

Result<FoundOrders> list_orders(Session& session, UserId user, const OrderFilter& filter) {
  std::string where = fmt::format("user_id = {}", user.value);
  if (filter.before) fmt::format_to(std::back_inserter(where), " AND id < {}", filter.before.value);
  OrderId next;
  if (filter.state) {
    const auto behind =
        session.query(fmt::format("SELECT id FROM orders WHERE {} ORDER BY id DESC LIMIT 1 OFFSET {}", where,
                                  OrderRecords::looked_through_max));
    if (!behind.empty()) {
      next.value = behind[0].integer(0) + 1;
      fmt::format_to(std::back_inserter(where), " AND id >= {}", next.value);
    }
    where += " AND state = " + quoted(text_of(*filter.state));
  }
  const auto rows =
      session.query(fmt::format("SELECT fold.log_place, {} FROM fold LEFT JOIN (SELECT {} FROM "
                                "orders WHERE {} ORDER BY id DESC LIMIT {}) "
                                "page ON 1 = 1 WHERE only_row = 1 ORDER BY page.id DESC",
                                order_column_list("page."), order_column_list(""), where, filter.limit));
  FoundOrders found;
  found.as_of = place_of(rows);
  for (const Row& row : rows) {
    if (row.is_null(1)) break;
    auto order = sql::order_of(order_row_of(row, 1));
    if (!order) return fail(order.error());
    found.orders.push_back(std::move(*order));
  }
  if (static_cast<int>(found.orders.size()) < filter.limit) found.next = next;
  return found;
}

/// Keys of orders are found among their user's orders, others in a table of their own.
Result<FoundKey> find_bound(Session& session, UserId user, RequestKey key, Instant since) {
  const auto hi = static_cast<std::int64_t>(key.hi), lo = static_cast<std::int64_t>(key.lo);
  const auto from = since.time_since_epoch().count();
  const auto rows = session.query(fmt::format(
      "SELECT fold.log_place, bound.subject, bound.fingerprint FROM fold LEFT JOIN ("
      "SELECT subject, fingerprint, 1 AS tier FROM bound_keys WHERE key_hi = {0} AND key_lo = {1} AND at >= "
      "{2} UNION ALL "
      "(SELECT id, fingerprint, 2 FROM orders WHERE user_id = {3} AND key_hi = {0} AND key_lo = {1} AND "
      "created_at >= {2} ORDER BY id DESC LIMIT 1)) bound ON 1 = 1 WHERE only_row = 1 ORDER BY bound.tier "
      "LIMIT 1",
      hi, lo, from, user.value));
  FoundKey found;
  found.as_of = place_of(rows);
  if (!rows[0].is_null(1))
    found.bound = BoundKey{rows[0].integer(1), static_cast<std::uint64_t>(rows[0].integer(2))};
  return found;
}

Result<bool> find_product(Session& session, UserId seller) {
  const auto rows = session.query(
      fmt::format("SELECT 1 FROM products WHERE seller = {} AND withdrawn = 0 LIMIT 1", seller.value));
  return !rows.empty();
}

constexpr std::string_view reading = "cannot read the order records";

}  // namespace

Task<FoundOrder> MysqlOrderRecords::find(OrderId id) {
  return pool_.run([this, id] {
    return sessions_.run(reading, [id](Session& session) { return find_order(session, id); });
  });
}

Task<FoundKey> MysqlOrderRecords::find_key(UserId user, RequestKey key, Instant since) {
  return turns_.run(user.text(), [this, user, key, since] {
    return sessions_.run(reading, [&](Session& session) { return find_bound(session, user, key, since); });
  });
}

Task<FoundOrders> MysqlOrderRecords::list(UserId user, OrderFilter filter) {
  return turns_.run(user.text(), [this, user, filter] {
    return sessions_.run(reading, [&](Session& session) { return list_orders(session, user, filter); });
  });
}

Task<bool> MysqlOrderRecords::has_products(UserId seller) {
  return pool_.run([this, seller] {
    return sessions_.run(reading, [seller](Session& session) { return find_product(session, seller); });
  });
}

}  // namespace market::mysql
