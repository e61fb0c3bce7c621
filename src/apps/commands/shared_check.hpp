#pragma once
/// What `market check` looks at only where several processes share the store: the live stock in Redis and the
/// tickets in MySQL, against the log. And whether two stores are the same.
///
///   SharedCheck shared(store);   // reads Redis and the tickets: before the log is read
///   check_store(folder, keys, bound, [&](const auto& event, const auto& audit) { … })
///   for (auto& result : shared.results()) …

#include <boost/unordered/unordered_flat_map.hpp>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"
#include "apps/commands/shared_store.hpp"
#include "domain/sale/audit.hpp"
#include "ports/shared_stock.hpp"

namespace market::apps {

class SharedCheck {
 public:
  /// Throws std::runtime_error: MySQL cannot be read.
  explicit SharedCheck(const SharedStore& store);
  /// Each event of the log, in order, when `audit` has seen it.
  void see(const CountedEvent& counted, const Audit& audit);
  files::CheckResults results() const;
  /// Why the live stock was not looked at; empty: it was.
  const std::string& no_live_stock() const { return no_live_stock_; }

 private:
  /// One line of Redis. The writer reads the place before the numbers: they are those of that place or of one
  /// behind it.
  struct Line {
    StockLine said;
    std::optional<StockLine> now;  ///< What the log says, up to the event that was seen last.
    bool matched = false;
    bool is_right() const { return matched || (now && same(*now, said)); }
  };
  static bool same(const StockLine& one, const StockLine& other);
  void read_tickets(const SharedStore& store);
  void read_live_stock(const SharedStore& store);
  void see_tickets(const Order& order, Place place);
  void see_stock(ProductId id, Place place, const Audit& audit);

  LogId log_;
  std::vector<ProductId> products_;
  std::string no_live_stock_;
  files::Differences damaged_lines_;
  boost::unordered_flat_map<ProductId, Line> lines_;
  Place end_ = 0;

  Place folded_to_ = 0;
  std::int64_t conflicts_ = 0, tickets_there_ = 0, tickets_ = 0;
  std::uint64_t sum_there_ = 0, sum_ = 0;  ///< Of all tickets, in whatever order.
};

/// Removes the live stock of this log: who writes the log writes it anew. Errors: it cannot be reached.
Result<> forget_live_stock(const redis::ClientSettings& redis, LogId log,
                           const std::vector<ProductId>& products);

/// Whether two stores have the same log, record by record, the same rows, charges and pictures. What is made
/// anew from the log is not looked at.
files::CheckResults compare_stores(files::ReadOnlyFolder& one, files::ReadOnlyFolder& other);

}  // namespace market::apps
