#include "adapters/sqlite/order_search.hpp"

#include <fmt/format.h>

#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/record_schema.hpp"

namespace market::sqlite {

struct SqliteOrderSearch::Reader {
  explicit Reader(const std::string& path) : sql(open_session(path, SessionKind::reader)), orders(*sql) {}
  std::unique_ptr<soci::session> sql;
  OrderReader orders;

  Result<OrderPtr> order(OrderId id) {
    if (!orders.read(id)) return OrderPtr();
    return order_of(orders.row());
  }
};

SqliteOrderSearch::SqliteOrderSearch(const std::string& path) : reader_(std::make_unique<Reader>(path)) {}
SqliteOrderSearch::~SqliteOrderSearch() {
  stop();
}

template <class Read>
auto SqliteOrderSearch::ask(Read read) {
  return pool_.run([this, read = std::move(read)]() -> std::invoke_result_t<const Read&, Reader&> {
    try {
      return read(*reader_);
    } catch (const std::exception& error) {
      return fail(error_of(error, "cannot read the order records"));
    }
  });
}

Task<std::vector<WaitingOrder>> SqliteOrderSearch::waiting(OrderState state, Instant until,
                                                           WaitingOrder after, int limit) {
  return ask([=](Reader& reader) -> Result<std::vector<WaitingOrder>> {
    const std::string name(text_of(state));
    const long long last = until.time_since_epoch().count(), from = after.since.time_since_epoch().count(),
                    behind = after.id.value;
    long long at = 0, id = 0;
    // The words of the index's own condition: without them it is not used.
    soci::statement rows =
        (reader.sql->prepare << fmt::format("SELECT updated_at, id FROM orders WHERE {} AND state = :state "
                                            "AND payment = 'paid' "
                                            "AND updated_at <= :last AND (updated_at > :from OR (updated_at "
                                            "= :same AND id > :behind)) ORDER BY updated_at, id LIMIT :limit",
                                            in_delivery),
         soci::use(name), soci::use(last), soci::use(from), soci::use(from), soci::use(behind),
         soci::use(limit), soci::into(at), soci::into(id));
    std::vector<WaitingOrder> found;
    rows.execute();
    while (rows.fetch()) found.push_back(WaitingOrder{Instant(Millis(at)), OrderId{id}});
    return found;
  });
}

Task<FoundPage> SqliteOrderSearch::search(OrderQuery query) {
  return ask([query](Reader& reader) -> Result<FoundPage> {
    const long long before = query.before ? query.before.value : std::numeric_limits<std::int64_t>::max();
    const std::string state(query.state ? text_of(*query.state) : "");
    const std::string product = fmt::format("%[{},%", query.product.value);
    std::string conditions;
    if (query.state) conditions += " AND state = :state";
    if (query.user) conditions += " AND user_id = :user";
    if (query.product) conditions += " AND lines LIKE :product";
    const long long user = query.user.value;
    long long id = 0, hit = 0;
    // Those looked through, with a mark at those that are wanted: so that a page costs what it costs.
    soci::statement rows(*reader.sql);
    rows.exchange(soci::use(before, "before"));
    if (query.state) rows.exchange(soci::use(state, "state"));
    if (query.user) rows.exchange(soci::use(user, "user"));
    if (query.product) rows.exchange(soci::use(product, "product"));
    rows.exchange(soci::into(id));
    rows.exchange(soci::into(hit));
    rows.alloc();
    rows.prepare(fmt::format("SELECT id, 1{} FROM orders WHERE id < :before ORDER BY id DESC LIMIT {}",
                             conditions, looked_through_max));
    rows.define_and_bind();
    rows.execute();
    FoundPage page;
    std::vector<OrderId> wanted;
    int looked = 0;
    while (static_cast<int>(wanted.size()) < query.limit && rows.fetch()) {
      ++looked;
      page.next = OrderId{id};
      if (hit != 0) wanted.push_back(OrderId{id});
    }
    const bool more = static_cast<int>(wanted.size()) == query.limit || looked == looked_through_max;
    if (!more) page.next = OrderId{};
    rows.clean_up();
    for (const OrderId each : wanted) {
      auto order = reader.order(each);
      if (!order) return fail(order.error());
      if (*order) page.orders.push_back(std::move(*order));
    }
    return page;
  });
}

Task<OrderPtr> SqliteOrderSearch::find(OrderId id) {
  return ask([id](Reader& reader) { return reader.order(id); });
}

Task<OrderCounts> SqliteOrderSearch::count(ProductId product) {
  return ask([product](Reader& reader) -> Result<OrderCounts> {
    // An order was placed after its product was listed: older ids need no look.
    const long long from = product.value;
    const std::string pattern = fmt::format("%[{},%", product.value);
    long long id = 0;
    soci::statement ids =
        (reader.sql->prepare << "SELECT id FROM orders WHERE id > :from AND lines LIKE :product",
         soci::use(from), soci::use(pattern), soci::into(id));
    OrderCounts counts;
    ids.execute();
    while (ids.fetch()) {
      const auto order = reader.order(OrderId{id});
      if (!order) return fail(order.error());
      if (*order) counts.add(**order, product);
    }
    return counts;
  });
}

}  // namespace market::sqlite
