#pragma once
/// ports/order_search.hpp on records.db, with a reading session and a thread of its own.

#include <memory>

#include "ports/order_search.hpp"

namespace market::sqlite {

class SqliteOrderSearch final : public OrderSearch {
 public:
  /// The file is there already (SqliteRecordFold). Errors: throws std::runtime_error.
  explicit SqliteOrderSearch(const std::string& path);
  ~SqliteOrderSearch() override;
  /// Nothing is answered afterwards.
  void stop() { pool_.stop(); }

  Task<std::vector<WaitingOrder>> waiting(OrderState state, Instant until, WaitingOrder after,
                                          int limit) override;
  Task<FoundPage> search(OrderQuery query) override;
  Task<OrderPtr> find(OrderId id) override;
  Task<OrderCounts> count(ProductId product) override;

 private:
  struct Reader;
  template <class Read>
  auto ask(Read read);
  std::unique_ptr<Reader> reader_;
  BlockingPool pool_{1, questions_max};
};

}  // namespace market::sqlite
