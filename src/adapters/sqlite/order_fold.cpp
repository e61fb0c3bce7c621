#include "adapters/sqlite/order_fold.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/record_schema.hpp"

namespace market::sqlite {
namespace {

std::unique_ptr<soci::session> open_records(const std::string& path) {
  auto sql = open_session(path, SessionKind::bulk_writer);
  migrate(*sql, path, records_application_id, record_migrations());
  return sql;
}

}  // namespace

/// The session with its prepared statements and the values they are bound to.
struct SqliteOrderFold::Database {
  explicit Database(const std::string& path) : sql(open_records(path)) {}

  void put_order(const Order& order) {
    write_row(order, row);
    put.execute(true);
  }
  bool has(OrderId order) {
    id = order.value;
    exists.execute();
    const bool found = exists.fetch();
    while (found && exists.fetch()) {  // To its end: a statement left at a row keeps its snapshot.
    }
    return found;
  }
  void put_late_order(const UserOrder& late) {
    user = late.user.value;
    id = late.order.value;
    put_late.execute(true);
  }
  void put_entry(std::int64_t in_segment, const UserOrder& entry) {
    segment = in_segment;
    user = entry.user.value;
    id = entry.order.value;
    put_index.execute(true);
  }

  std::unique_ptr<soci::session> sql;
  OrderRow row;
  long long segment = 0, user = 0, id = 0;
  int one = 0;
  // REPLACE overwrites in place, as there is neither a second index nor a trigger.
  soci::statement put =
      (sql->prepare << fmt::format(
           "REPLACE INTO orders({}) VALUES(:id, :user, :state, :payment, :attempt, :total, "
           ":currency, :pay_by, :created, :updated, :hi, :lo, :body, :lines, :history)",
           order_columns),
       soci::use(row.id), soci::use(row.user_id), soci::use(row.state), soci::use(row.payment),
       soci::use(row.attempt_id), soci::use(row.total), soci::use(row.currency), soci::use(row.pay_by),
       soci::use(row.created_at), soci::use(row.updated_at), soci::use(row.key_hi), soci::use(row.key_lo),
       soci::use(row.body_fingerprint), soci::use(row.lines), soci::use(row.history));
  soci::statement exists =
      (sql->prepare << "SELECT 1 FROM orders WHERE id = :id", soci::use(id), soci::into(one));
  soci::statement put_late =
      (sql->prepare << "REPLACE INTO late_orders(order_id, user_id) VALUES(:id, :user)", soci::use(id),
       soci::use(user));
  soci::statement put_index =
      (sql->prepare << "INSERT INTO user_orders(segment, user_id, order_id) VALUES(:segment, :user, :id)",
       soci::use(segment), soci::use(user), soci::use(id));
};

SqliteOrderFold::SqliteOrderFold(std::string path, std::size_t segment_orders)
    : path_(std::move(path)), segment_orders_(segment_orders), database_(std::make_unique<Database>(path_)) {
  try {
    read_index();
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("cannot use {}: {}", path_, error.what()));
  }
  files_ = files::DatabaseFiles(path_);
}

SqliteOrderFold::~SqliteOrderFold() = default;

void SqliteOrderFold::remove_files(const std::string& path) {
  remove_database_files(path);
}

void SqliteOrderFold::read_index() {
  auto& sql = *database_->sql;
  Segments segments;
  long long number = 0, low = 0, high = 0;
  soci::statement rows = (sql.prepare << "SELECT segment, low_id, high_id FROM segments ORDER BY segment",
                          soci::into(number), soci::into(low), soci::into(high));
  rows.execute();
  while (rows.fetch()) segments.push_back(Segment{number, OrderId{low}, OrderId{high}, {}});
  long long through = 0;
  for (const auto& segment : segments)
    through = std::max(through, static_cast<long long>(segment.high.value));

  std::vector<UserOrder> open;
  long long user = 0, order = 0;
  soci::statement late =
      (sql.prepare << "SELECT user_id, order_id FROM late_orders", soci::into(user), soci::into(order));
  late.execute();
  while (late.fetch()) open.push_back(UserOrder{UserId{user}, OrderId{order}});
  soci::statement newer = (sql.prepare << "SELECT user_id, id FROM orders WHERE id > :through ORDER BY id",
                           soci::use(through), soci::into(user), soci::into(order));
  newer.execute();
  while (newer.fetch()) open.push_back(UserOrder{UserId{user}, OrderId{order}});
  index_.reset(std::move(segments), open);
  index_stale_ = false;
}

/// Sorted by id, so that rows are appended, and told apart: new to the index, or late (below a closed
/// segment).
void SqliteOrderFold::sort_in(std::span<const OrderPtr> orders) {
  sorted_.clear();
  added_.clear();
  late_.clear();
  for (const auto& order : orders) sorted_.push_back(order.get());
  const auto by_id = [](const Order* a, const Order* b) { return a->id < b->id; };
  if (!std::is_sorted(sorted_.begin(), sorted_.end(), by_id))
    std::sort(sorted_.begin(), sorted_.end(), by_id);
  const OrderId through = index_.indexed_through();
  for (const auto* order : sorted_) {
    if (order->id <= through) {
      if (database_->has(order->id)) continue;
      late_.push_back(UserOrder{order->user, order->id});
    }
    added_.push_back(UserOrder{order->user, order->id});
  }
}

Segment SqliteOrderFold::write_segment() {
  const auto entries = index_.sorted_open();
  Segment segment{index_.next_segment(), entries.front().order, entries.front().order, {}};
  for (const auto& entry : entries) {
    segment.low = std::min(segment.low, entry.order);
    segment.high = std::max(segment.high, entry.order);
    database_->put_entry(segment.number, entry);
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
  for (const auto* order : sorted_) database.put_order(*order);
  for (const auto& late : late_) database.put_late_order(late);
  std::optional<Segment> written;
  if (index_.open_count() >= segment_orders_) written = write_segment();
  const long long position = through;
  *database.sql << "UPDATE position SET log_position = :position WHERE only_row = 1", soci::use(position);
  all.commit();
  if (written) index_.close(*written);
  index_stale_ = false;
}

Result<> SqliteOrderFold::store(std::span<const OrderPtr> orders, Position through) try {
  const auto taken_away = [this] {
    return fail(Code::unavailable, path_ + " or its WAL was deleted, replaced or made read-only below us");
  };
  if (!files_.in_place()) return taken_away();
  store_all(orders, through);
  // Looked at again: a file that was moved away meanwhile took them along. They may be stored twice.
  if (!files_.in_place()) return taken_away();
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
