#include "adapters/sql/refusal_history.hpp"

#include "adapters/sql/instants.hpp"
#include "adapters/sql/main_database.hpp"

namespace market::sql {
namespace {

/// All databases have one writer at a time: nobody inserts between the two.
void add_row(soci::session& sql, const RefusedOrders& each) {
  const long long product = each.product.value, at = millis_of(each.at), count = each.count;
  int known = 0;
  sql << "SELECT 1 FROM sale_refusals WHERE product_id = :product AND at = :at AND reason = :reason",
      soci::use(product), soci::use(at), soci::use(each.reason), soci::into(known);
  if (sql.got_data())
    sql << "UPDATE sale_refusals SET refused = refused + :count WHERE product_id = :product AND at = :at AND "
           "reason = :reason",
        soci::use(count), soci::use(product), soci::use(at), soci::use(each.reason);
  else
    sql << "INSERT INTO sale_refusals(product_id, at, reason, refused) VALUES(:product, :at, :reason, "
           ":count)",
        soci::use(product), soci::use(at), soci::use(each.reason), soci::use(count);
}

}  // namespace

Task<> SqlRefusalHistory::add(std::vector<RefusedOrders> refused) {
  return database_.write([refused = std::move(refused)](soci::session& sql) -> Result<> {
    for (const RefusedOrders& each : refused) add_row(sql, each);
    return {};
  });
}

Task<std::vector<RefusedOrders>> SqlRefusalHistory::of(ProductId product) {
  return database_.read([product](soci::session& sql) -> Result<std::vector<RefusedOrders>> {
    const long long id = product.value;
    long long at = 0, count = 0;
    std::string reason;
    soci::statement rows =
        (sql.prepare
             << "SELECT at, reason, refused FROM sale_refusals WHERE product_id = :id ORDER BY at, reason",
         soci::use(id), soci::into(at), soci::into(reason), soci::into(count));
    std::vector<RefusedOrders> found;
    rows.execute();
    while (rows.fetch()) found.push_back(RefusedOrders{product, instant_of(at), reason, count});
    return found;
  });
}

Task<> SqlRefusalHistory::forget(Instant before) {
  return database_.write([at = millis_of(before)](soci::session& sql) -> Result<> {
    sql << "DELETE FROM sale_refusals WHERE at < :at", soci::use(at);
    return {};
  });
}

}  // namespace market::sql
