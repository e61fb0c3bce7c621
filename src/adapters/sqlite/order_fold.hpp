#pragma once
/// ports/order_records.hpp, the writing side, on records.db through SOCI; what the rows cost and why there is
/// no second index is in docs/decisions/0003-records-indexes.md.

#include <memory>
#include <string>

#include "adapters/files/files.hpp"
#include "adapters/sqlite/user_order_index.hpp"
#include "ports/order_records.hpp"

namespace market::sqlite {

class SqliteOrderFold final : public OrderFold {
 public:
  static constexpr std::size_t segment_orders_default = 65'536;

  /// Opens or makes the file. Errors: throws std::runtime_error with one line (foreign, newer or damaged
  /// file); a damaged one is removed with remove_files() and folded again from the log.
  explicit SqliteOrderFold(std::string path, std::size_t segment_orders = segment_orders_default);
  ~SqliteOrderFold() override;

  Result<> store(std::span<const OrderPtr> orders, Position through) override;
  Result<Position> position() override;
  Result<OrderPtr> load(OrderId id) override;

  /// For SqliteOrderRecords on the same file.
  const UserOrderIndex& index() const { return index_; }
  /// False: store() is refused until the file is put back.
  bool files_in_place() const { return files_.in_place(); }
  /// Only while nothing has it open.
  static void remove_files(const std::string& path);

 private:
  struct Database;
  void store_all(std::span<const OrderPtr> orders, Position through);
  void sort_in(std::span<const OrderPtr> orders);
  Segment write_segment();
  void read_index();

  const std::string path_;
  const std::size_t segment_orders_;
  UserOrderIndex index_;
  std::unique_ptr<Database> database_;
  files::DatabaseFiles files_;
  bool index_stale_ = false;             ///< A commit failed: memory may know more than the file.
  std::vector<const Order*> sorted_;     ///< Kept for its memory.
  std::vector<UserOrder> added_, late_;  ///< Likewise.
};

}  // namespace market::sqlite
