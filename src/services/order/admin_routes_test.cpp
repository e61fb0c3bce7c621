#include "services/order/admin_routes.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/service_routes.hpp"
#include "tests/support/test_search.hpp"

namespace market::order {
namespace {

using http::Method;

struct NoHistory final : RefusalHistory {
  Task<> add(std::vector<RefusedOrders>) override { co_return Result<>(); }
  Task<std::vector<RefusedOrders>> of(ProductId) override { co_return std::vector<RefusedOrders>(); }
  Task<> forget(Instant) override { co_return Result<>(); }
};

class AdminOrderRoutesTest : public testing::Test {
 protected:
  AdminOrderRoutesTest() {
    service_.clock.time = Instant(Millis(1'800'000'000'000));
    add_admin_order_routes(service_.router,
                           {service_.authenticator, gate_, gate_, records_, history_, gate_.board,
                            service_.clock, [this] { return records_.frozen.has_value(); }});
    chief_ = service_.sign_in(UserId{1}, Role::admin);
  }
  /// An order that was placed so long ago.
  Order order_of(Millis ago) {
    Order order;
    order.id = OrderId{first_id_of(service_.clock.now() - ago)};
    order.user = UserId{2};
    return order;
  }
  Result<http::Reply> show(const Order& order) {
    return service_.ask(Method::get, "/api/v1/admin/orders/" + order.id.text(), "", {chief_});
  }

  tests::ServiceRoutes service_;
  tests::BoardGate gate_{service_.clock};
  tests::TestSearch records_{gate_.orders};
  NoHistory history_;
  tests::SentHeader chief_;
};

TEST_F(AdminOrderRoutesTest, ShowAnyOrder) {
  const Order order = order_of(Millis(0));
  gate_.orders[order.id] = order;
  EXPECT_TRUE(show(order));
}

TEST_F(AdminOrderRoutesTest, DoNotSayOfAnOrderOfARushThatThereIsNone) {
  for (const Millis ago : {Millis(0), Millis(12'000), Millis(50'000)}) {
    const Order order = order_of(ago);
    gate_.orders[order.id] = order;
    records_.frozen.emplace();
    EXPECT_EQ(show(order).error().code, Code::recovering) << "the records wait until the rush is over";
    records_.frozen.reset();
    EXPECT_TRUE(show(order));
  }
}

TEST_F(AdminOrderRoutesTest, SayOfANewOneThatThereIsNoneWhenTheRecordsHaveAll) {
  EXPECT_EQ(show(order_of(Millis(5'000))).error().code, Code::order_not_found);
}

TEST_F(AdminOrderRoutesTest, SayOfAnOlderOneAtOnceThatThereIsNone) {
  EXPECT_EQ(show(order_of(Millis(120'000))).error().code, Code::order_not_found);
}

TEST_F(AdminOrderRoutesTest, ExportAsManyOrdersAsWereAskedFor) {
  for (const Millis ago : {Millis(0), Millis(1'000), Millis(2'000)}) {
    Order order = order_of(ago);
    order.lines.push_back(OrderLine{ProductId{7}, 1, 1, Money{500, {}}, 0});
    gate_.orders[order.id] = order;
  }
  const auto rows = [&](const std::string& query, bool more) {
    const auto reply = service_.ask(Method::get, "/api/v1/admin/orders/export", "", {chief_}, query);
    EXPECT_TRUE(reply);
    if (!reply) return std::ptrdiff_t{-1};
    EXPECT_EQ(tests::header_of(*reply, "X-Next-Cursor").empty(), !more) << query;
    return std::count(reply->body.begin(), reply->body.end(), '\n') - 1;
  };
  EXPECT_EQ(rows("", false), 3);
  EXPECT_EQ(rows("limit=2", true), 2);
  EXPECT_EQ(rows("limit=3", false), 3);
}

}  // namespace
}  // namespace market::order
