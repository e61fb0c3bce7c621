#include "adapters/sqlite/record_fold.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/product_rows.hpp"
#include "adapters/sqlite/record_schema.hpp"

namespace market::sqlite {
namespace {

std::unique_ptr<soci::session> open_records(const std::string& path) {
  auto sql = open_session(path, SessionKind::bulk_writer);
  migrate(*sql, path, records_schema);
  return sql;
}

Place last_place(std::span<const CountedEvents> groups) {
  for (auto group = groups.rbegin(); group != groups.rend(); ++group)
    if (!(*group)->empty()) return (*group)->back().place;
  return 0;
}

}  // namespace

/// The session with its prepared statements and the values they are bound to.
struct SqliteRecordFold::Database {
  explicit Database(const std::string& path) : sql(open_records(path)) {}

  Place place() {
    read_one_row(read_place);
    return at;
  }
  /// False: the records are not at `from`.
  bool move_on(Place expected, Place through) {
    from = expected;
    at = through;
    guard.execute(true);
    return guard.get_affected_rows() == 1;
  }
  bool has(OrderId order) {
    id = order.value;
    return read_one_row(exists);
  }
  void put_late_order(const UserOrder& late) {
    user = late.user.value;
    id = late.order.value;
    put_late.execute(true);
  }
  void put_entry(std::int64_t in_segment, const UserOrder& entry) {
    put_index.bind(1, in_segment);
    put_index.bind(2, entry.user.value);
    put_index.bind(3, entry.order.value);
    put_index.run();
  }
  void bind_key(const Event& event, std::int64_t subject) {
    key_hi = static_cast<long long>(event.key.hi);
    key_lo = static_cast<long long>(event.key.lo);
    id = subject;
    fingerprint = static_cast<long long>(event.fingerprint);
    at = event.at.time_since_epoch().count();
    put_key.execute(true);
  }

  std::unique_ptr<soci::session> sql;
  OrderReader orders{*sql};
  OrderWriter order{*sql};
  ProductFold products{*sql};
  long long user = 0, id = 0, from = 0, at = 0, key_hi = 0, key_lo = 0, fingerprint = 0;
  int one = 0;
  soci::statement read_place =
      (sql->prepare << "SELECT log_place FROM position WHERE only_row = 1", soci::into(at));
  soci::statement guard =
      (sql->prepare << "UPDATE position SET log_place = :through WHERE only_row = 1 AND log_place = :from",
       soci::use(at), soci::use(from));
  soci::statement exists =
      (sql->prepare << "SELECT 1 FROM orders WHERE id = :id", soci::use(id), soci::into(one));
  soci::statement put_late =
      (sql->prepare << "REPLACE INTO late_orders(order_id, user_id) VALUES(:id, :user)", soci::use(id),
       soci::use(user));
  BulkStatement put_index{*sql, "INSERT INTO user_orders(segment, user_id, order_id) VALUES(?, ?, ?)"};
  // A key may be bound again when a day has passed.
  soci::statement put_key =
      (sql->prepare << "REPLACE INTO bound_keys(key_hi, key_lo, subject, fingerprint, at) "
                       "VALUES(:hi, :lo, :subject, :fingerprint, :at)",
       soci::use(key_hi), soci::use(key_lo), soci::use(id), soci::use(fingerprint), soci::use(at));
};

struct SqliteRecordFold::NewOrder {
  Order order;
  RequestKey key;
  std::uint64_t fingerprint = 0;
};

struct SqliteRecordFold::Batch {
  struct OlderEvent {
    OrderId order;
    const CountedEvent* counted;
  };
  std::vector<NewOrder> new_orders;
  boost::unordered_flat_map<OrderId, std::size_t> new_by_id;
  std::vector<const NewOrder*> sorted;
  std::vector<OlderEvent> older;  ///< Of orders that were accepted before this batch.
  std::vector<UserOrder> added, late;

  void clear() {
    new_orders.clear();
    new_by_id.clear();
    sorted.clear();
    older.clear();
    added.clear();
    late.clear();
  }
};

SqliteRecordFold::SqliteRecordFold(std::string path, std::size_t segment_orders)
    : path_(std::move(path)),
      segment_orders_(segment_orders),
      database_(std::make_unique<Database>(path_)),
      batch_(std::make_unique<Batch>()) {
  try {
    read_index();
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("cannot use {}: {}", path_, plain_reason(error)));
  }
  files_ = files::DatabaseFiles(path_);
}

SqliteRecordFold::~SqliteRecordFold() = default;

void SqliteRecordFold::remove_files(const std::string& path) {
  remove_database_files(path);
}

void SqliteRecordFold::read_index() {
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

// --- Folding ---------------------------------------------------------------------------------------------

Result<Place> SqliteRecordFold::fold(Place from, std::span<const CountedEvents> groups) {
  const Place through = last_place(groups);
  if (through <= from) return place();
  return write([&]() -> Result<Place> { return fold_all(from, through, groups); });
}

Place SqliteRecordFold::fold_all(Place from, Place through, std::span<const CountedEvents> groups) {
  auto& database = *database_;
  if (index_stale_) read_index();
  index_stale_ = true;  // Until the commit is known.
  Transaction all(*database.sql, "BEGIN IMMEDIATE");
  if (!database.move_on(from, through)) {
    index_stale_ = false;
    return database.place();
  }
  batch_->clear();
  database.products.begin();
  for (const auto& group : groups)
    for (const auto& counted : *group)
      if (counted.place > from) gather(counted);
  sort_new_orders();
  index_.add(batch_->added);
  write_new_orders();
  fold_older_orders();
  database.products.finish();
  std::optional<Segment> written;
  if (index_.open_count() >= segment_orders_) written = write_segment();
  all.commit();
  if (written) index_.close(*written);
  index_stale_ = false;
  return through;
}

/// An order and all that happens to it in the same batch costs one row.
void SqliteRecordFold::gather(const CountedEvent& counted) {
  const Event& event = counted.event;
  database_->products.fold(counted);
  const OrderId id = order_of(event.fact);
  if (std::holds_alternative<OrderAccepted>(event.fact)) {
    const auto [at, is_new] = batch_->new_by_id.try_emplace(id, batch_->new_orders.size());
    if (is_new) batch_->new_orders.push_back(NewOrder{accepted_order(counted), event.key, event.fingerprint});
    return;
  }
  if (event.key) database_->bind_key(event, subject_of(event.fact));
  if (!id) return;
  const auto found = batch_->new_by_id.find(id);
  if (found != batch_->new_by_id.end())
    fold_order(batch_->new_orders[found->second].order, counted);
  else
    batch_->older.push_back({id, &counted});
}

/// Sorted by id, so that rows are appended, and told apart: new to the index, or late (below a closed
/// segment).
void SqliteRecordFold::sort_new_orders() {
  auto& batch = *batch_;
  for (const auto& one : batch.new_orders) batch.sorted.push_back(&one);
  const auto by_id = [](const NewOrder* a, const NewOrder* b) { return a->order.id < b->order.id; };
  if (!std::is_sorted(batch.sorted.begin(), batch.sorted.end(), by_id))
    std::sort(batch.sorted.begin(), batch.sorted.end(), by_id);
  const OrderId through = index_.indexed_through();
  for (const auto* one : batch.sorted) {
    const Order& order = one->order;
    if (order.id <= through) {
      if (database_->has(order.id)) continue;
      batch.late.push_back(UserOrder{order.user, order.id});
    }
    batch.added.push_back(UserOrder{order.user, order.id});
  }
}

void SqliteRecordFold::write_new_orders() {
  OrderRow& row = database_->order.row();
  for (const auto* one : batch_->sorted) {
    write_row(one->order, row);
    row.key_hi = static_cast<long long>(one->key.hi);
    row.key_lo = static_cast<long long>(one->key.lo);
    row.fingerprint = static_cast<long long>(one->fingerprint);
    database_->order.write();
  }
  for (const auto& late : batch_->late) database_->put_late_order(late);
}

void SqliteRecordFold::fold_older_orders() {
  auto& older = batch_->older;
  std::stable_sort(older.begin(), older.end(),
                   [](const auto& a, const auto& b) { return a.order < b.order; });
  for (auto event = older.begin(); event != older.end();) {
    const OrderId id = event->order;
    // An order that the log accepted is here; an event about any other changes nothing anywhere.
    const bool found = database_->orders.read(id);
    OrderRow& stored = database_->orders.row();
    const auto before = found ? order_of(stored) : Result<OrderPtr>(nullptr);
    if (!before) throw std::runtime_error(before.error().detail);
    Order order = found ? **before : Order{};
    for (; event != older.end() && event->order == id; ++event) fold_order(order, *event->counted);
    if (!found || order.place == (*before)->place) continue;
    OrderRow& row = database_->order.row();
    row.key_hi = stored.key_hi;
    row.key_lo = stored.key_lo;
    row.fingerprint = stored.fingerprint;
    write_row(order, row);
    database_->order.write();
  }
}

Segment SqliteRecordFold::write_segment() {
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

template <class Write>
auto SqliteRecordFold::write(Write write) -> decltype(write()) try {
  const auto taken_away = [this] {
    return fail(Code::unavailable, path_ + " or its WAL was deleted, replaced or made read-only below us");
  };
  if (!files_.in_place()) return taken_away();
  auto answer = write();
  // Looked at again: a file that was moved away meanwhile took it along. It may be written twice.
  if (!files_.in_place()) return taken_away();
  return answer;
} catch (const std::exception& error) {
  return fail(error_of(error, "cannot write the records"));
}

Result<> SqliteRecordFold::set_log(LogId log) {
  return write([&]() -> Result<> {
    const auto hi = static_cast<long long>(log.hi), lo = static_cast<long long>(log.lo);
    const long long generation = log.generation;
    *database_->sql << "UPDATE position SET log_hi = :hi, log_lo = :lo, log_generation = :generation",
        soci::use(hi), soci::use(lo), soci::use(generation);
    return {};
  });
}

// --- Reading ---------------------------------------------------------------------------------------------

template <class Read>
auto SqliteRecordFold::read(Read read) -> decltype(read()) try {
  return read();
} catch (const std::exception& error) {
  return fail(Code::unavailable, fmt::format("cannot read the records: {}", plain_reason(error)));
}

Result<Place> SqliteRecordFold::place() {
  return read([this]() -> Result<Place> { return database_->place(); });
}

Result<LogId> SqliteRecordFold::log() {
  return read([this]() -> Result<LogId> {
    long long hi = 0, lo = 0, generation = 0;
    *database_->sql << "SELECT log_hi, log_lo, log_generation FROM position WHERE only_row = 1",
        soci::into(hi), soci::into(lo), soci::into(generation);
    return LogId{static_cast<std::uint64_t>(hi), static_cast<std::uint64_t>(lo),
                 static_cast<std::uint32_t>(generation)};
  });
}

Result<std::vector<RecordedProduct>> SqliteRecordFold::products() {
  return read([this]() -> Result<std::vector<RecordedProduct>> { return read_products(*database_->sql); });
}

Result<OrderPtr> SqliteRecordFold::load(OrderId id) {
  return read([&]() -> Result<OrderPtr> {
    if (!database_->orders.read(id)) return OrderPtr();
    return order_of(database_->orders.row());
  });
}

Result<std::vector<OrderId>> SqliteRecordFold::beyond(Place place) {
  return read([&]() -> Result<std::vector<OrderId>> {
    long long from = place, id = 0;
    soci::statement rows =
        (database_->sql->prepare << "SELECT id FROM orders WHERE place > :place ORDER BY id", soci::use(from),
         soci::into(id));
    rows.execute();
    std::vector<OrderId> found;
    while (rows.fetch()) found.push_back(OrderId{id});
    return found;
  });
}

}  // namespace market::sqlite
