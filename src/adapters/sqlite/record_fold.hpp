#pragma once
/// ports/order_records.hpp, the writing side, on records.db through SOCI; what the rows cost and why there is
/// no second index is in docs/decisions/0003-records-indexes.md.

#include <memory>
#include <string>

#include "adapters/files/files.hpp"
#include "adapters/sqlite/user_order_index.hpp"
#include "ports/order_records.hpp"

namespace market::sqlite {

class SqliteRecordFold final : public RecordFold {
 public:
  static constexpr std::size_t segment_orders_default = 65'536;

  /// Opens or makes the file. Errors: throws std::runtime_error with one line (foreign, newer or damaged
  /// file); a damaged one is removed with remove_files() and folded again from the log.
  explicit SqliteRecordFold(std::string path, std::size_t segment_orders = segment_orders_default);
  ~SqliteRecordFold() override;

  Result<Place> fold(Place from, std::span<const CountedEvents> groups) override;
  Result<Place> place() override;
  Result<LogId> log() override;
  Result<> set_log(LogId log) override;
  Result<std::vector<RecordedProduct>> products() override;
  Result<OrderPtr> load(OrderId id) override;
  Result<std::vector<OrderId>> beyond(Place place) override;

  /// For SqliteOrderRecords on the same file.
  const UserOrderIndex& index() const { return index_; }
  /// False: nothing is written until the file is put back.
  bool files_in_place() const { return files_.in_place(); }
  /// Only while nothing has it open.
  static void remove_files(const std::string& path);

 private:
  struct Database;
  struct NewOrder;
  /// What the events of one fold() come to, before it is written.
  struct Batch;
  Place fold_all(Place from, Place through, std::span<const CountedEvents> groups);
  void gather(const CountedEvent& counted);
  void sort_new_orders();
  void write_new_orders();
  void fold_older_orders();
  Segment write_segment();
  void read_index();
  template <class Write>
  auto write(Write write) -> decltype(write());
  template <class Read>
  auto read(Read read) -> decltype(read());

  const std::string path_;
  const std::size_t segment_orders_;
  UserOrderIndex index_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Batch> batch_;  ///< Kept for its memory.
  files::DatabaseFiles files_;
  bool index_stale_ = false;  ///< A commit failed: memory may know more than the file.
};

}  // namespace market::sqlite
