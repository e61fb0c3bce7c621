#pragma once
/// The records: what lists and pages read of orders and products. Folded from the log in bulk, always behind
/// it, and rebuilt from it at will. A row carries the place of the last event in it.

#include <optional>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/event.hpp"

namespace market {

/// An answer of the records and the place up to which they were folded when it was read, in one statement.
struct FoundOrder {
  OrderPtr order;  ///< Null: the records have none.
  Place as_of = 0;
};
struct FoundOrders {
  std::vector<OrderPtr> orders;  ///< Newest first (falling id).
  Place as_of = 0;
  /// Where to go on, when it ended before the limit because much had to be looked through. None: it did not.
  OrderId next;
};
/// What a request key was bound to: the id of an order or of a product.
struct BoundKey {
  std::int64_t subject = 0;
  std::uint64_t fingerprint = 0;
};
struct FoundKey {
  std::optional<BoundKey> bound;
  Place as_of = 0;
};
/// A page of orders, as it is shown.
struct FoundPage {
  std::vector<OrderPtr> orders;  ///< Newest first (falling id).
  /// Where to go on: a page may be short, or even empty, when much had to be looked through. None: the end.
  OrderId next;
};
struct OrderFilter {
  std::optional<OrderState> state;
  OrderId before;  ///< Only ids below this one; none: from the newest.
  int limit = 20;
};

/// Reads; any I/O thread (the SQL runs on the adapter's own bounded pools). What has to look through a user's
/// orders, list() and find_key(), waits for that user's turn: nobody's many orders hold up the others.
class OrderRecords {
 public:
  static constexpr int looked_through_max = 2'000;  ///< Orders of one list() by state.

  virtual ~OrderRecords() = default;
  /// Errors: unavailable, overloaded.
  virtual Task<FoundOrder> find(OrderId id) = 0;
  /// What an event since `since` has bound `key` to. `user`: whose key it is, which may help to find it.
  /// Errors: unavailable, overloaded.
  virtual Task<FoundKey> find_key(UserId user, RequestKey key, Instant since) = 0;
  /// Errors: unavailable, overloaded.
  virtual Task<FoundOrders> list(UserId user, OrderFilter filter) = 0;
};

struct RecordedProduct {
  ProductId id;
  std::int64_t version = 1;
  ProductTerms terms;
  ProductTexts texts;
  ProductStock stock;  ///< Not next_ticket.
  Instant created_at{}, updated_at{};
  /// (version, name), rising: under which names it was sold before; a name holds until the next entry.
  std::vector<std::pair<std::int64_t, std::string>> names;
};

/// The writing side; blocking, called by one thread at a time.
class RecordFold {
 public:
  virtual ~RecordFold() = default;
  /// Folds all events of these groups behind `from`, in one transaction, and remembers the place of the last
  /// one. An event at or below the place of a row changes nothing in it. Answers how far the records are
  /// then: when that is not the last place of `groups`, somebody else has folded, and nothing was changed.
  /// Errors: unavailable (repeat), insufficient_storage.
  virtual Result<Place> fold(Place from, std::span<const CountedEvents> groups) = 0;
  /// How far the records are. Errors: unavailable.
  virtual Result<Place> place() = 0;
  /// Which log they were folded from; none before the first. Errors: unavailable.
  virtual Result<LogId> log() = 0;
  /// Remembers it. Errors: unavailable, insufficient_storage.
  virtual Result<> set_log(LogId log) = 0;
  /// Calls `each` for every product. Errors: unavailable.
  virtual Result<std::vector<RecordedProduct>> products() = 0;
  /// One order as recorded. Errors: unavailable.
  virtual Result<OrderPtr> load(OrderId id) = 0;
  /// The orders that have events behind `place`; for a log that has lost its end. Errors: unavailable.
  virtual Result<std::vector<OrderId>> beyond(Place place) = 0;
};

}  // namespace market
