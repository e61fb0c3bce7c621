/// ports/refusal_history.hpp: what every adapter must keep.
#include "adapters/sql/refusal_history.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class RefusalHistoryContract : public MainDatabaseContract {
 protected:
  static RefusedOrders refused(std::int64_t product, int second, const char* reason, std::int64_t count) {
    return RefusedOrders{ProductId{product}, at(second), reason, count};
  }
  sql::SqlRefusalHistory history_{database_};
};

TEST_P(RefusalHistoryContract, AddsUpByProductStepAndReason) {
  ASSERT_TRUE(run(history_.add({refused(1, 2, "sold_out", 3), refused(1, 1, "sale_not_open", 1)})));
  ASSERT_TRUE(run(history_.add({refused(1, 2, "sold_out", 4), refused(2, 2, "sold_out", 9)})));
  const std::vector<RefusedOrders> wanted{refused(1, 1, "sale_not_open", 1), refused(1, 2, "sold_out", 7)};
  EXPECT_EQ(*run(history_.of(ProductId{1})), wanted);
  EXPECT_TRUE(run(history_.of(ProductId{3}))->empty());
}

TEST_P(RefusalHistoryContract, ForgetsWhatIsOld) {
  ASSERT_TRUE(run(history_.add({refused(1, 1, "sold_out", 3), refused(1, 5, "sold_out", 1)})));
  ASSERT_TRUE(run(history_.forget(at(5))));
  EXPECT_EQ(run(history_.of(ProductId{1}))->size(), 1u);
}

MARKET_ON_EACH_DATABASE(RefusalHistoryContract);

}  // namespace
}  // namespace market::contract
