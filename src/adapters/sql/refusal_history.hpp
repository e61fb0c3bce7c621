#pragma once
/// ports/refusal_history.hpp on the ordinary rows.

#include "ports/refusal_history.hpp"

namespace market::sql {

class MainDatabase;

class SqlRefusalHistory final : public RefusalHistory {
 public:
  explicit SqlRefusalHistory(MainDatabase& database) : database_(database) {}
  Task<> add(std::vector<RefusedOrders> refused) override;
  Task<std::vector<RefusedOrders>> of(ProductId product) override;
  Task<> forget(Instant before) override;

 private:
  MainDatabase& database_;
};

}  // namespace market::sql
