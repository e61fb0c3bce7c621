#include "adapters/sqlite/order_records.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {
namespace {

/// A session with its prepared statements; one thread at a time.
class Reader {
 public:
  explicit Reader(const std::string& path) : sql_(open_session(path, SessionKind::reader)) {}

  soci::session& sql() { return *sql_; }

  Position position() {
    one_row(position_statement_);
    return position_;
  }

  Result<OrderPtr> order(OrderId id) {
    wanted_ = id.value;
    if (!one_row(order_statement_)) return OrderPtr();
    return order_of(row_);
  }

  /// Appends the newest `segment_ids_max` of the user's orders in this segment below `before`; how many.
  static constexpr int ids_max = 64;
  int segment_orders(std::int64_t segment, UserId user, OrderId before, std::vector<OrderId>& out) {
    segment_ = segment;
    user_ = user.value;
    before_ = before.value;
    int found = 0;
    segment_statement_.execute();
    for (; segment_statement_.fetch(); ++found) out.push_back(OrderId{id_});
    return found;
  }

 private:
  /// Reads to the end: a statement left at a row would hold its snapshot and with it the write-ahead log.
  static bool one_row(soci::statement& statement) {
    statement.execute();
    const bool found = statement.fetch();
    while (found && statement.fetch()) {
    }
    return found;
  }

  std::unique_ptr<soci::session> sql_;
  OrderRow row_;
  long long position_ = 0, wanted_ = 0, segment_ = 0, user_ = 0, before_ = 0, id_ = 0;
  soci::statement position_statement_ =
      (sql_->prepare << "SELECT log_position FROM position WHERE only_row = 1", soci::into(position_));
  soci::statement order_statement_ =
      (sql_->prepare << fmt::format("SELECT {} FROM orders WHERE id = :id", order_columns),
       soci::use(wanted_), soci::into(row_.id), soci::into(row_.user_id), soci::into(row_.state),
       soci::into(row_.payment), soci::into(row_.attempt_id), soci::into(row_.total),
       soci::into(row_.currency), soci::into(row_.pay_by), soci::into(row_.created_at),
       soci::into(row_.updated_at), soci::into(row_.key_hi), soci::into(row_.key_lo),
       soci::into(row_.body_fingerprint), soci::into(row_.lines), soci::into(row_.history));
  soci::statement segment_statement_ =
      (sql_->prepare << fmt::format("SELECT order_id FROM user_orders WHERE segment = :segment AND "
                                    "user_id = :user AND order_id < :before ORDER BY order_id DESC LIMIT {}",
                                    ids_max),
       soci::use(segment_), soci::use(user_), soci::use(before_), soci::into(id_));
};

constexpr OrderId above_all{std::numeric_limits<std::int64_t>::max()};

/// A user's order ids, newest first: from memory and from the segments, newest segment first, no further than
/// asked. An id is given once nothing that is still unread can be newer.
class NewestFirst {
 public:
  NewestFirst(Reader& reader, UserId user, OrderId before, UserOrderIndex::View view)
      : reader_(reader),
        user_(user),
        before_(before ? before : above_all),
        cursor_(before_),
        known_(std::move(view.open)),
        segments_(std::move(view.segments)),
        left_(segments_->size()) {}

  std::optional<OrderId> next() {
    for (;;) {
      if (!known_.empty() && known_.back() > unread_high()) {
        const OrderId id = known_.back();
        known_.pop_back();
        if (id == last_) continue;
        last_ = id;
        return id;
      }
      if (left_ == 0) return std::nullopt;
      read_more();
    }
  }

 private:
  OrderId unread_high() const {
    if (left_ == 0) return {};
    const auto& segment = (*segments_)[left_ - 1];
    const OrderId here = std::min(segment.high, OrderId{cursor_.value - 1});
    return left_ == 1 ? here : std::max(here, (*segments_)[left_ - 2].high_so_far);
  }

  void read_more() {
    const auto& segment = (*segments_)[left_ - 1];
    int found = 0;
    if (segment.low < cursor_) found = reader_.segment_orders(segment.number, user_, cursor_, known_);
    if (found == Reader::ids_max) {
      cursor_ = known_.back();  // There may be more of them here.
    } else {
      --left_;
      cursor_ = before_;
    }
    if (found > 0) std::sort(known_.begin(), known_.end());
  }

  Reader& reader_;
  UserId user_;
  OrderId before_, cursor_, last_;
  std::vector<OrderId> known_;  ///< Rising.
  std::shared_ptr<const Segments> segments_;
  std::size_t left_;  ///< Segments not read to their end.
};

/// Runs `use(reader, ids, position)` in one snapshot of the file and the index.
template <class Use>
auto with_orders_of(Reader& reader, const UserOrderIndex& index, UserId user, OrderId before, Use use) {
  for (;;) {
    const auto closed = index.closed();
    Transaction snapshot(reader.sql(), "BEGIN");
    const Position position = reader.position();  // The first read takes the snapshot.
    auto view = index.view(user, before);
    if (view.closed != closed) continue;
    NewestFirst ids(reader, user, before, std::move(view));
    auto answer = use(reader, ids, position);
    snapshot.commit();
    return answer;
  }
}

Result<FoundOrders> read_list(Reader& reader, const UserOrderIndex& index, UserId user,
                              const OrderFilter& filter) {
  return with_orders_of(reader, index, user, filter.before,
                        [&filter](Reader& from, NewestFirst& ids, Position position) -> Result<FoundOrders> {
                          FoundOrders found;
                          found.as_of = position;
                          while (static_cast<int>(found.orders.size()) < filter.limit) {
                            const auto id = ids.next();
                            if (!id) break;
                            auto order = from.order(*id);
                            if (!order) return fail(order.error());
                            if (!*order || (filter.state && (*order)->state != *filter.state)) continue;
                            found.orders.push_back(std::move(*order));
                          }
                          return found;
                        });
}

/// Ids and times of two threads may disagree by a little.
constexpr Millis time_slack = std::chrono::minutes(1);

Result<FoundOrder> read_by_key(Reader& reader, const UserOrderIndex& index, UserId user, RequestKey key,
                               Instant since) {
  return with_orders_of(
      reader, index, user, OrderId{},
      [key, since](Reader& from, NewestFirst& ids, Position position) -> Result<FoundOrder> {
        while (const auto id = ids.next()) {
          auto order = from.order(*id);
          if (!order) return fail(order.error());
          if (!*order) continue;
          if ((*order)->created_at < since - time_slack) break;
          if ((*order)->key == key && (*order)->created_at >= since)
            return FoundOrder{std::move(*order), position};
        }
        return FoundOrder{nullptr, position};
      });
}

Result<FoundOrder> read_one(Reader& reader, OrderId id) {
  Transaction snapshot(reader.sql(), "BEGIN");
  const Position position = reader.position();
  auto order = reader.order(id);
  if (!order) return fail(order.error());
  snapshot.commit();
  return FoundOrder{std::move(*order), position};
}

}  // namespace

struct SqliteOrderRecords::Readers {
  explicit Readers(const UserOrderIndex& of) : index(of) {}

  template <class Read>
  auto run(Read read) -> decltype(read(std::declval<Reader&>())) {
    try {
      auto reader = all.take();
      return read(*reader);
    } catch (const std::exception& error) {
      return fail(error_of(error, "cannot read the order records"));
    }
  }

  const UserOrderIndex& index;
  Shared<Reader> all;
};

SqliteOrderRecords::SqliteOrderRecords(const std::string& path, const UserOrderIndex& index,
                                       BlockingPool& pool, unsigned sessions)
    : readers_(std::make_unique<Readers>(index)), pool_(pool) {
  for (unsigned i = 0; i < std::max(sessions, 1u); ++i) readers_->all.add(std::make_unique<Reader>(path));
}

SqliteOrderRecords::~SqliteOrderRecords() = default;

Task<FoundOrder> SqliteOrderRecords::find(OrderId id) {
  return pool_.run(
      [this, id] { return readers_->run([id](Reader& reader) { return read_one(reader, id); }); });
}

Task<FoundOrder> SqliteOrderRecords::find_by_key(UserId user, RequestKey key, Instant since) {
  return pool_.run([this, user, key, since] {
    return readers_->run(
        [&](Reader& reader) { return read_by_key(reader, readers_->index, user, key, since); });
  });
}

Task<FoundOrders> SqliteOrderRecords::list(UserId user, OrderFilter filter) {
  return pool_.run([this, user, filter] {
    return readers_->run([&](Reader& reader) { return read_list(reader, readers_->index, user, filter); });
  });
}

}  // namespace market::sqlite
