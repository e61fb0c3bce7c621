#include "adapters/mysql/record_fold.hpp"

#include <fmt/format.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <random>
#include <thread>

#include "adapters/mysql/order_rows.hpp"
#include "adapters/mysql/product_rows.hpp"
#include "adapters/mysql/schema.hpp"
#include "domain/sale/fold_order.hpp"

namespace market::mysql {
namespace {

constexpr int tries_max = 3;  // Of a transaction that met a deadlock or waited too long for a lock.
constexpr std::size_t ids_at_once = 1'000;

Place last_place(std::span<const CountedEvents> groups) {
  for (auto group = groups.rbegin(); group != groups.rend(); ++group)
    if (!(*group)->empty()) return (*group)->back().place;
  return 0;
}

void pause_before_retry(int tried) {
  thread_local std::minstd_rand random(std::random_device{}());
  std::this_thread::sleep_for(Millis(static_cast<std::int64_t>(10 + random() % 40u) * (tried + 1)));
}

struct Ticket {
  ProductId product;
  std::int64_t ticket = 0;
  OrderId order;
  Place place = 0;
  std::string text() const { return fmt::format("({},{},{},{})", product.value, ticket, order.value, place); }
};

}  // namespace

/// What the events of one fold() come to, before it is written.
struct MysqlRecordFold::Batch {
  struct Kept {
    Order order;
    RequestKey key;
    std::uint64_t fingerprint = 0;
    bool changed = false;
  };
  /// An order and all that happens to it in the same batch costs one row.
  boost::unordered_flat_map<OrderId, Kept> orders;
  std::vector<const CountedEvent*> older;  ///< Of orders that were accepted before this batch.
  std::vector<Ticket> tickets;
  std::string bound_keys;

  void gather(const CountedEvent& counted);
  void add_tickets(const Order& order, Place place) {
    for (const OrderLine& line : order.lines)
      if (line.ticket > 0) tickets.push_back(Ticket{line.product, line.ticket, order.id, place});
  }
};

void MysqlRecordFold::Batch::gather(const CountedEvent& counted) {
  const Event& event = counted.event;
  const OrderId id = order_of(event.fact);
  if (std::holds_alternative<OrderAccepted>(event.fact)) {
    const auto [at, is_new] = orders.try_emplace(id);
    if (!is_new) return;
    at->second = Kept{accepted_order(counted), event.key, event.fingerprint, true};
    return add_tickets(at->second.order, counted.place);
  }
  if (event.key)
    fmt::format_to(std::back_inserter(bound_keys), "{}({},{},{},{},{})", bound_keys.empty() ? "" : ",",
                   static_cast<std::int64_t>(event.key.hi), static_cast<std::int64_t>(event.key.lo),
                   subject_of(event.fact), static_cast<std::int64_t>(event.fingerprint),
                   event.at.time_since_epoch().count());
  if (id) older.push_back(&counted);
}

MysqlRecordFold::MysqlRecordFold(const Server& server) : session_(server) {
  migrate(server);
}

template <class Use>
auto MysqlRecordFold::with_session(std::string_view doing, Use use) -> decltype(use()) {
  for (int tried = 0;; ++tried) {
    try {
      session_.begin_use();
      return use();
    } catch (const Failure& failure) {
      if (!failure.may_repeat() || tried + 1 >= tries_max) return fail(error_of(failure, doing));
    } catch (const std::exception& error) {
      return fail(error_of(error, doing));
    }
    pause_before_retry(tried);
  }
}

// --- Folding ---------------------------------------------------------------------------------------------

Result<Place> MysqlRecordFold::fold(Place from, std::span<const CountedEvents> groups) {
  const Place through = last_place(groups);
  if (through <= from) return place();
  // A lost COMMIT is no question here: the caller asks again, and the guard tells how far the records are.
  return with_session("cannot write the records",
                      [&]() -> Result<Place> { return fold_once(from, through, groups); });
}

Place MysqlRecordFold::fold_once(Place from, Place through, std::span<const CountedEvents> groups) {
  Transaction all(session_);
  if (session_.execute(fmt::format("UPDATE fold SET log_place = {} WHERE only_row = 1 AND log_place = {}",
                                   through, from)) != 1)
    return read_place();
  Batch batch;
  ProductFold products(session_);
  for (const auto& group : groups) {
    for (const auto& counted : *group) {
      if (counted.place <= from) continue;
      products.fold(counted);
      batch.gather(counted);
    }
  }
  load_older(batch);
  write_orders(batch);
  write_tickets(batch);
  if (!batch.bound_keys.empty())  // A key may be bound again when a day has passed.
    session_.execute("REPLACE INTO bound_keys(key_hi, key_lo, subject, fingerprint, at) VALUES " +
                     batch.bound_keys);
  products.finish();
  all.commit();
  return through;
}

Place MysqlRecordFold::read_place() {
  return session_.query("SELECT log_place FROM fold WHERE only_row = 1").at(0).integer(0);
}

/// Reads the orders that events of this batch are about and that are not of this batch, then folds the
/// events.
void MysqlRecordFold::load_older(Batch& batch) {
  std::vector<OrderId> wanted;
  for (const CountedEvent* counted : batch.older)
    if (const OrderId id = order_of(counted->event.fact); !batch.orders.contains(id)) wanted.push_back(id);
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (std::size_t first = 0; first < wanted.size(); first += ids_at_once) {
    std::string ids;
    for (std::size_t i = first; i < std::min(first + ids_at_once, wanted.size()); ++i)
      fmt::format_to(std::back_inserter(ids), "{}{}", ids.empty() ? "" : ",", wanted[i].value);
    for (const Row& found :
         session_.query(fmt::format("SELECT {} FROM orders WHERE id IN ({})", order_column_list(""), ids))) {
      const sql::OrderRow row = order_row_of(found, 0);
      auto order = sql::order_of(row);
      if (!order) throw std::runtime_error(order.error().detail);
      batch.orders[OrderId{row.id}] = Batch::Kept{
          **order, RequestKey{static_cast<std::uint64_t>(row.key_hi), static_cast<std::uint64_t>(row.key_lo)},
          static_cast<std::uint64_t>(row.fingerprint), false};
    }
  }
  for (const CountedEvent* counted : batch.older) {
    const auto known = batch.orders.find(order_of(counted->event.fact));
    if (known == batch.orders.end())
      continue;  // An event about an order that is none changes nothing anywhere.
    Batch::Kept& kept = known->second;
    const Place before = kept.order.place;
    fold_order(kept.order, *counted);
    if (kept.order.place == before) continue;
    kept.changed = true;
    const auto* paid = std::get_if<OrderPaid>(&counted->event.fact);
    if (paid && paid->retaken) batch.add_tickets(kept.order, counted->place);
  }
}

void MysqlRecordFold::write_orders(const Batch& batch) {
  std::vector<const Batch::Kept*>
      sorted;  // By id: rows are appended, and two folders lock in the same order.
  for (const auto& [id, kept] : batch.orders)
    if (kept.changed) sorted.push_back(&kept);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->order.id < b->order.id; });
  std::string list;
  sql::OrderRow row;
  for (const auto* kept : sorted) {
    sql::write_row(kept->order, row);
    row.key_hi = static_cast<long long>(kept->key.hi);
    row.key_lo = static_cast<long long>(kept->key.lo);
    row.fingerprint = static_cast<long long>(kept->fingerprint);
    add_values(list, row);
    if (list.size() < statement_bytes_max) continue;
    put_orders(session_, list);
    list.clear();
  }
  put_orders(session_, list);
}

/// A plain INSERT: a ticket that somebody has is an alarm, kept in a table, and no reason to stop.
void MysqlRecordFold::write_tickets(const Batch& batch) {
  constexpr std::size_t at_once = 5'000;
  constexpr auto insert = "INSERT INTO order_lines(product, ticket, order_id, place) VALUES ";
  for (std::size_t first = 0; first < batch.tickets.size(); first += at_once) {
    const auto part =
        std::span(batch.tickets).subspan(first, std::min(at_once, batch.tickets.size() - first));
    std::string rows;
    for (const Ticket& ticket : part) rows += (rows.empty() ? "" : ",") + ticket.text();
    session_.execute("SAVEPOINT tickets");
    try {
      session_.execute(insert + rows);
      continue;
    } catch (const Failure& failure) {
      if (!failure.is_duplicate()) throw;
    }
    session_.execute("ROLLBACK TO SAVEPOINT tickets");
    for (const Ticket& ticket : part) {
      try {
        session_.execute(insert + ticket.text());
      } catch (const Failure& failure) {
        if (!failure.is_duplicate()) throw;
        session_.execute("INSERT INTO fold_conflicts(product, ticket, order_id, place) VALUES " +
                         ticket.text());
      }
    }
  }
}

// --- Reading ---------------------------------------------------------------------------------------------

constexpr auto reading = "cannot read the records";

Result<Place> MysqlRecordFold::place() {
  return with_session(reading, [&]() -> Result<Place> { return read_place(); });
}

Result<LogId> MysqlRecordFold::log() {
  return with_session(reading, [&]() -> Result<LogId> {
    const Row row =
        session_.query("SELECT log_hi, log_lo, log_generation FROM fold WHERE only_row = 1").at(0);
    return LogId{static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1)),
                 static_cast<std::uint32_t>(row.integer(2))};
  });
}

Result<> MysqlRecordFold::set_log(LogId log) {
  return with_session("cannot write the records", [&]() -> Result<> {
    session_.execute(
        fmt::format("UPDATE fold SET log_hi = {}, log_lo = {}, log_generation = {} WHERE only_row = 1",
                    static_cast<std::int64_t>(log.hi), static_cast<std::int64_t>(log.lo), log.generation));
    return {};
  });
}

Result<std::vector<RecordedProduct>> MysqlRecordFold::products() {
  return with_session(reading,
                      [&]() -> Result<std::vector<RecordedProduct>> { return read_products(session_); });
}

Result<OrderPtr> MysqlRecordFold::load(OrderId id) {
  return with_session(reading, [&]() -> Result<OrderPtr> {
    const auto rows =
        session_.query(fmt::format("SELECT {} FROM orders WHERE id = {}", order_column_list(""), id.value));
    if (rows.empty()) return OrderPtr();
    return sql::order_of(order_row_of(rows[0], 0));
  });
}

Result<std::vector<OrderId>> MysqlRecordFold::beyond(Place place) {
  return with_session(reading, [&]() -> Result<std::vector<OrderId>> {
    std::vector<OrderId> found;
    for (const Row& row :
         session_.query(fmt::format("SELECT id FROM orders WHERE place > {} ORDER BY id", place)))
      found.push_back(OrderId{row.integer(0)});
    return found;
  });
}

void MysqlRecordFold::forget_all() {
  session_.begin_use();
  Transaction all(session_);
  for (const char* table : {"orders", "order_lines", "fold_conflicts", "bound_keys", "products",
                            "product_names", "product_stock"})
    session_.execute(fmt::format("DELETE FROM {}", table));
  session_.execute("UPDATE fold SET log_place = 0, log_hi = 0, log_lo = 0, log_generation = 0");
  all.commit();
}

Result<std::int64_t> MysqlRecordFold::conflicts() {
  return with_session(reading, [&]() -> Result<std::int64_t> {
    return session_.query("SELECT count(*) FROM fold_conflicts").at(0).integer(0);
  });
}

}  // namespace market::mysql
