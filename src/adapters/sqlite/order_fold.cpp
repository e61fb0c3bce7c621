#include "adapters/sqlite/order_fold.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/record_schema.hpp"

namespace market::sqlite {
namespace {

/// One statement of the bulk path.
class Statement {
 public:
  Statement(soci::session& sql, const std::string& text) : database_(handle_of(sql)) {
    if (sqlite_api::sqlite3_prepare_v3(database_, text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement_,
                                       nullptr) != SQLITE_OK)
      throw soci::sqlite3_soci_error(sqlite_api::sqlite3_errmsg(database_), sqlite_api::sqlite3_errcode(database_));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite_api::sqlite3_finalize(statement_); }

  void bind(int place, std::int64_t value) { sqlite_api::sqlite3_bind_int64(statement_, place, value); }
  /// `text` must live until run().
  void bind(int place, std::string_view text) {
    sqlite_api::sqlite3_bind_text(statement_, place, text.data(), static_cast<int>(text.size()), nullptr);
  }
  /// Whether it answered a row.
  bool run() {
    const int step = sqlite_api::sqlite3_step(statement_);
    const int reset = sqlite_api::sqlite3_reset(statement_);
    if ((step == SQLITE_ROW || step == SQLITE_DONE) && reset == SQLITE_OK) return step == SQLITE_ROW;
    throw soci::sqlite3_soci_error(sqlite_api::sqlite3_errmsg(database_), reset == SQLITE_OK ? step : reset);
  }

 private:
  sqlite_api::sqlite3* database_;
  sqlite_api::sqlite3_stmt* statement_ = nullptr;
};

std::int64_t millis_of(Instant at) { return at.time_since_epoch().count(); }

void bind_order(Statement& put, const Order& order, std::string& lines, std::string& history) {
  write_lines(order, lines);
  write_history(order, history);
  int place = 0;
  put.bind(++place, order.id.value);
  put.bind(++place, order.user.value);
  put.bind(++place, text_of(order.state));
  put.bind(++place, text_of(order.payment));
  put.bind(++place, order.attempt.value);
  put.bind(++place, order.total.amount);
  put.bind(++place, order.total.currency.text());
  put.bind(++place, millis_of(order.pay_by));
  put.bind(++place, millis_of(order.created_at));
  put.bind(++place, millis_of(order.updated_at));
  put.bind(++place, static_cast<std::int64_t>(order.key.hi));
  put.bind(++place, static_cast<std::int64_t>(order.key.lo));
  put.bind(++place, static_cast<std::int64_t>(order.body_fingerprint));
  put.bind(++place, std::string_view(lines));
  put.bind(++place, std::string_view(history));
}

std::unique_ptr<soci::session> open_records(const std::string& path) {
  auto sql = open_session(path, SessionKind::bulk_writer);
  migrate(*sql, path, records_application_id, record_migrations());
  return sql;
}

}  // namespace

struct SqliteOrderFold::Database {
  explicit Database(const std::string& path) : sql(open_records(path)) {}

  std::unique_ptr<soci::session> sql;
  // REPLACE overwrites in place, as there is neither a second index nor a trigger.
  Statement put{*sql, fmt::format("REPLACE INTO orders({}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", order_columns)};
  Statement exists{*sql, "SELECT 1 FROM orders WHERE id=?"};
  Statement put_late{*sql, "REPLACE INTO late_orders(order_id, user_id) VALUES(?,?)"};
  Statement index{*sql, "INSERT INTO user_orders(segment, user_id, order_id) VALUES(?,?,?)"};
  std::string lines, history;
};

SqliteOrderFold::SqliteOrderFold(std::string path, std::size_t segment_orders)
    : path_(std::move(path)), segment_orders_(segment_orders), database_(std::make_unique<Database>(path_)) {
  try {
    read_index();
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("cannot use {}: {}", path_, error.what()));
  }
}

SqliteOrderFold::~SqliteOrderFold() = default;

void SqliteOrderFold::remove_files(const std::string& path) { remove_database_files(path); }

void SqliteOrderFold::read_index() {
  auto& sql = *database_->sql;
  Segments segments;
  long long number = 0, low = 0, high = 0;
  soci::statement rows = (sql.prepare << "SELECT segment, low_id, high_id FROM segments ORDER BY segment",
                          soci::into(number), soci::into(low), soci::into(high));
  rows.execute();
  while (rows.fetch()) segments.push_back(Segment{number, OrderId{low}, OrderId{high}, {}});
  long long through = 0;
  for (const auto& segment : segments) through = std::max(through, static_cast<long long>(segment.high.value));

  std::vector<UserOrder> open;
  long long user = 0, order = 0;
  soci::statement late = (sql.prepare << "SELECT user_id, order_id FROM late_orders", soci::into(user), soci::into(order));
  late.execute();
  while (late.fetch()) open.push_back(UserOrder{UserId{user}, OrderId{order}});
  soci::statement newer = (sql.prepare << "SELECT user_id, id FROM orders WHERE id > :through ORDER BY id",
                           soci::use(through), soci::into(user), soci::into(order));
  newer.execute();
  while (newer.fetch()) open.push_back(UserOrder{UserId{user}, OrderId{order}});
  index_.reset(std::move(segments), open);
  index_stale_ = false;
}

/// Sorted by id, so that rows are appended, and told apart: new to the index, or late (below a closed segment).
void SqliteOrderFold::sort_in(std::span<const OrderPtr> orders) {
  sorted_.clear();
  added_.clear();
  late_.clear();
  for (const auto& order : orders) sorted_.push_back(order.get());
  const auto by_id = [](const Order* a, const Order* b) { return a->id < b->id; };
  if (!std::is_sorted(sorted_.begin(), sorted_.end(), by_id)) std::sort(sorted_.begin(), sorted_.end(), by_id);
  const OrderId through = index_.indexed_through();
  for (const auto* order : sorted_) {
    if (order->id <= through) {
      database_->exists.bind(1, order->id.value);
      if (database_->exists.run()) continue;
      late_.push_back(UserOrder{order->user, order->id});
    }
    added_.push_back(UserOrder{order->user, order->id});
  }
}

Segment SqliteOrderFold::write_segment() {
  const auto entries = index_.sorted_open();
  Segment segment{index_.next_segment(), entries.front().order, entries.front().order, {}};
  auto& put = database_->index;
  put.bind(1, segment.number);
  for (const auto& entry : entries) {
    segment.low = std::min(segment.low, entry.order);
    segment.high = std::max(segment.high, entry.order);
    put.bind(2, entry.user.value);
    put.bind(3, entry.order.value);
    put.run();
  }
  const long long number = segment.number, low = segment.low.value, high = segment.high.value;
  auto& sql = *database_->sql;
  sql << "INSERT INTO segments(segment, low_id, high_id) VALUES(:number, :low, :high)", soci::use(number),
      soci::use(low), soci::use(high);
  sql << "DELETE FROM late_orders";
  return segment;
}

void SqliteOrderFold::store_all(std::span<const OrderPtr> orders, Position through) {
  auto& database = *database_;
  if (index_stale_) read_index();
  index_stale_ = true;  // Until the commit is known.
  Transaction all(*database.sql, "BEGIN IMMEDIATE");
  sort_in(orders);
  index_.add(added_);
  for (const auto* order : sorted_) {
    bind_order(database.put, *order, database.lines, database.history);
    database.put.run();
  }
  for (const auto& late : late_) {
    database.put_late.bind(1, late.order.value);
    database.put_late.bind(2, late.user.value);
    database.put_late.run();
  }
  std::optional<Segment> written;
  if (index_.open_count() >= segment_orders_) written = write_segment();
  const long long position = through;
  *database.sql << "UPDATE position SET log_position = :position WHERE only_row = 1", soci::use(position);
  all.commit();
  if (written) index_.close(*written);
  index_stale_ = false;
}

Result<> SqliteOrderFold::store(std::span<const OrderPtr> orders, Position through) try {
  store_all(orders, through);
  return {};
} catch (const std::exception& error) {
  return fail(Code::unavailable, fmt::format("cannot write the order records: {}", error.what()));
}

Result<Position> SqliteOrderFold::position() try {
  long long position = 0;
  *database_->sql << "SELECT log_position FROM position WHERE only_row = 1", soci::into(position);
  return position;
} catch (const std::exception& error) {
  return fail(Code::unavailable, fmt::format("cannot read the order records: {}", error.what()));
}

Result<OrderPtr> SqliteOrderFold::load(OrderId id) try {
  OrderRow row;
  row.id = id.value;
  auto& sql = *database_->sql;
  sql << fmt::format("SELECT {} FROM orders WHERE id = :wanted", order_columns), soci::use(row.id, "wanted"),
      soci::into(row.id), soci::into(row.user_id), soci::into(row.state), soci::into(row.payment),
      soci::into(row.attempt_id), soci::into(row.total), soci::into(row.currency), soci::into(row.pay_by),
      soci::into(row.created_at), soci::into(row.updated_at), soci::into(row.key_hi), soci::into(row.key_lo),
      soci::into(row.body_fingerprint), soci::into(row.lines), soci::into(row.history);
  if (!sql.got_data()) return OrderPtr();
  return order_of(row);
} catch (const std::exception& error) {
  return fail(Code::unavailable, fmt::format("cannot read the order records: {}", error.what()));
}

}  // namespace market::sqlite
