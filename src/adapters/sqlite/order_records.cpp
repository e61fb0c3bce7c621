#include "adapters/sqlite/order_records.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sql/shared.hpp"
#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {
namespace {

/// A session with its prepared statements; one thread at a time.
class Reader {
 public:
  explicit Reader(const std::string& path) : sql_(open_session(path, SessionKind::reader)) {}

  soci::session& sql() { return *sql_; }

  Place place() {
    if (!read_one_row(place_statement_)) throw std::runtime_error("the records do not say how far they are");
    return place_;
  }

  Result<FoundOrder> order(OrderId id) {
    if (!orders_.read(id)) return FoundOrder{nullptr, orders_.as_of()};
    auto order = order_of(orders_.row());
    if (!order) return fail(order.error());
    return FoundOrder{std::move(*order), orders_.as_of()};
  }

  /// Appends the newest `ids_max` of the user's orders in this segment below `before`; how many.
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

  struct KeyOfOrder {
    RequestKey key;
    std::uint64_t fingerprint = 0;
    Instant at;
  };
  std::optional<KeyOfOrder> key_of(OrderId id) {
    id_ = id.value;
    if (!read_one_row(key_of_order_)) return std::nullopt;
    return KeyOfOrder{RequestKey{static_cast<std::uint64_t>(hi_), static_cast<std::uint64_t>(lo_)},
                      static_cast<std::uint64_t>(fingerprint_), Instant(Millis(at_))};
  }
  std::optional<BoundKey> bound_key(RequestKey key, Instant since) {
    hi_ = static_cast<long long>(key.hi);
    lo_ = static_cast<long long>(key.lo);
    at_ = since.time_since_epoch().count();
    if (!read_one_row(bound_key_)) return std::nullopt;
    return BoundKey{id_, static_cast<std::uint64_t>(fingerprint_)};
  }

 private:
  std::unique_ptr<soci::session> sql_;
  OrderReader orders_{*sql_};
  long long place_ = 0, segment_ = 0, user_ = 0, before_ = 0, id_ = 0, hi_ = 0, lo_ = 0, fingerprint_ = 0,
            at_ = 0;
  soci::statement place_statement_ =
      (sql_->prepare << "SELECT log_place FROM position WHERE only_row = 1", soci::into(place_));
  soci::statement segment_statement_ =
      (sql_->prepare << fmt::format("SELECT order_id FROM user_orders WHERE segment = :segment AND "
                                    "user_id = :user AND order_id < :before ORDER BY order_id DESC LIMIT {}",
                                    ids_max),
       soci::use(segment_), soci::use(user_), soci::use(before_), soci::into(id_));
  soci::statement key_of_order_ =
      (sql_->prepare << "SELECT key_hi, key_lo, fingerprint, created_at FROM orders WHERE id = :id",
       soci::use(id_), soci::into(hi_), soci::into(lo_), soci::into(fingerprint_), soci::into(at_));
  soci::statement bound_key_ =
      (sql_->prepare << "SELECT subject, fingerprint FROM bound_keys WHERE key_hi = :hi AND key_lo = :lo AND "
                        "at >= :since",
       soci::use(hi_), soci::use(lo_), soci::use(at_), soci::into(id_), soci::into(fingerprint_));
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

/// Runs `use(reader, ids, place)` in one snapshot of the file and the index.
template <class Use>
auto with_orders_of(Reader& reader, const UserOrderIndex& index, UserId user, OrderId before, Use use) {
  for (;;) {
    const auto closed = index.closed();
    Transaction snapshot(reader.sql(), "BEGIN");
    const Place place = reader.place();  // The first read takes the snapshot.
    auto view = index.view(user, before);
    if (view.closed != closed) continue;
    NewestFirst ids(reader, user, before, std::move(view));
    auto answer = use(reader, ids, place);
    snapshot.commit();
    return answer;
  }
}

Result<FoundOrders> read_list(Reader& reader, const UserOrderIndex& index, UserId user,
                              const OrderFilter& filter) {
  return with_orders_of(reader, index, user, filter.before,
                        [&filter](Reader& from, NewestFirst& ids, Place place) -> Result<FoundOrders> {
                          FoundOrders found;
                          found.as_of = place;
                          for (int looked = 0; static_cast<int>(found.orders.size()) < filter.limit;
                               ++looked) {
                            const auto id = ids.next();
                            if (!id) break;
                            if (looked == OrderRecords::looked_through_max) {
                              found.next = OrderId{id->value + 1};
                              break;
                            }
                            auto read = from.order(*id);
                            if (!read) return fail(read.error());
                            auto& order = read->order;
                            if (!order || (filter.state && order->state != *filter.state)) continue;
                            found.orders.push_back(std::move(order));
                          }
                          return found;
                        });
}

/// Ids and times of two writers' clocks may disagree by a little.
constexpr Millis time_slack = std::chrono::minutes(1);

Result<FoundKey> read_key(Reader& reader, const UserOrderIndex& index, UserId user, RequestKey key,
                          Instant since) {
  return with_orders_of(reader, index, user, OrderId{},
                        [key, since](Reader& from, NewestFirst& ids, Place place) -> Result<FoundKey> {
                          if (const auto bound = from.bound_key(key, since)) return FoundKey{bound, place};
                          while (const auto id = ids.next()) {
                            const auto of_order = from.key_of(*id);
                            if (!of_order) continue;
                            if (of_order->at < since - time_slack) break;
                            if (of_order->key == key && of_order->at >= since)
                              return FoundKey{BoundKey{id->value, of_order->fingerprint}, place};
                          }
                          return FoundKey{std::nullopt, place};
                        });
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
  sql::Shared<Reader> all;
};

SqliteOrderRecords::SqliteOrderRecords(const std::string& path, const UserOrderIndex& index,
                                       BlockingPool& pool, FairPool& turns, unsigned sessions)
    : readers_(std::make_unique<Readers>(index)), pool_(pool), turns_(turns) {
  for (unsigned i = 0; i < std::max(sessions, 1u); ++i) readers_->all.add(std::make_unique<Reader>(path));
}

SqliteOrderRecords::~SqliteOrderRecords() = default;

Task<FoundOrder> SqliteOrderRecords::find(OrderId id) {
  return pool_.run([this, id] { return readers_->run([id](Reader& reader) { return reader.order(id); }); });
}

Task<FoundKey> SqliteOrderRecords::find_key(UserId user, RequestKey key, Instant since) {
  return turns_.run(user.text(), [this, user, key, since] {
    return readers_->run([&](Reader& reader) { return read_key(reader, readers_->index, user, key, since); });
  });
}

Task<FoundOrders> SqliteOrderRecords::list(UserId user, OrderFilter filter) {
  return turns_.run(user.text(), [this, user, filter] {
    return readers_->run([&](Reader& reader) { return read_list(reader, readers_->index, user, filter); });
  });
}

}  // namespace market::sqlite
