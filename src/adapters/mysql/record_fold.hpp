#pragma once
/// ports/order_records.hpp, the writing side, on MySQL or MariaDB. Several instances may fold: each
/// transaction begins with the guard, which one of them wins; the others learn how far the records are.

#include <memory>

#include "adapters/mysql/session.hpp"
#include "ports/order_records.hpp"

namespace market::mysql {

class MysqlRecordFold final : public RecordFold {
 public:
  /// Brings the schema up to date. Throws std::runtime_error with one line.
  explicit MysqlRecordFold(const Server& server);

  Result<Place> fold(Place from, std::span<const CountedEvents> groups) override;
  Result<Place> place() override;
  Result<LogId> log() override;
  Result<> set_log(LogId log) override;
  Result<std::vector<RecordedProduct>> products() override;
  Result<OrderPtr> load(OrderId id) override;
  Result<std::vector<OrderId>> beyond(Place place) override;
  /// Nothing of any log is left: for a market that nobody serves. Throws std::runtime_error.
  void forget_all();
  /// Two orders with one ticket: must stay 0; each is in fold_conflicts.
  Result<std::int64_t> conflicts();

 private:
  struct Batch;
  Place fold_once(Place from, Place through, std::span<const CountedEvents> groups);
  Place read_place();
  void load_older(Batch& batch);
  void write_orders(const Batch& batch);
  void write_tickets(const Batch& batch);
  template <class Use>
  auto with_session(std::string_view doing, Use use) -> decltype(use());

  Session session_;
};

}  // namespace market::mysql
