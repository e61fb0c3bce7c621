#pragma once
/// ports/order_search.hpp on MySQL or MariaDB, with a connection and a thread of its own.

#include "adapters/mysql/sessions.hpp"
#include "ports/order_search.hpp"

namespace market::mysql {

class MysqlOrderSearch final : public OrderSearch {
 public:
  static constexpr int counted_at_once = 1'000;  ///< Rows that one statement of count() looks at.

  /// The schema is that of a MysqlRecordFold. It connects when it is first asked.
  explicit MysqlOrderSearch(const Server& server) : sessions_(server, 1) {}
  ~MysqlOrderSearch() override { stop(); }
  /// Nothing is answered afterwards.
  void stop() { pool_.stop(); }

  Task<std::vector<WaitingOrder>> waiting(OrderState state, Instant until, WaitingOrder after,
                                          int limit) override;
  Task<FoundPage> search(OrderQuery query) override;
  Task<OrderPtr> find(OrderId id) override;
  Task<OrderCounts> count(ProductId product) override;

 private:
  template <class Read>
  auto ask(Read read);

  Sessions sessions_;
  BlockingPool pool_{1, questions_max};
};

}  // namespace market::mysql
