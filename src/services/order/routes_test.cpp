#include "services/order/routes.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/scripted_provider.hpp"
#include "tests/support/service_routes.hpp"

namespace market::order {
namespace {

using http::Method;
using http::Status;
using tests::header_of;

class OrderRoutesTest : public testing::Test {
 protected:
  explicit OrderRoutesTest(OrderSettings settings = {}) {
    gate_.followers.push_back(&watch_);
    add_order_routes(service_.router, {service_.authenticator, accounts_, gate_, gate_.board, gate_, pay_,
                                       refusals_, refused_, watch_, service_.clock, settings});
    ProductTerms terms;
    terms.price.amount = 500;
    shoes_ = gate_.decided(Command(ListProduct{terms, ProductTexts{"Shoes", "", "", ""}, 2}))->product();
  }
  std::string items(int quantity = 1) const {
    return R"({"items":[{"productId":")" + shoes_.text() + R"(","quantity":)" + std::to_string(quantity) +
           "}]}";
  }
  Result<http::Reply> post(const std::string& path, const std::string& body,
                           std::vector<tests::SentHeader> more = {}) {
    more.push_back(alice_);
    return service_.ask(Method::post, path, body, std::move(more));
  }
  std::string order() {
    const auto placed = post(all, items());
    EXPECT_TRUE(placed);
    return header_of(*placed, "Location");
  }

  const std::string all = "/api/v1/orders";
  const tests::SentHeader key_{"Idempotency-Key", "k"};
  tests::ServiceRoutes service_;
  tests::MemoryAccounts accounts_;
  tests::BoardGate gate_{service_.clock};
  tests::ScriptedProvider provider_;
  PayOrder pay_{gate_, gate_, provider_, Millis(1'000)};
  RefusalCounts refusals_;
  RefusalNotes refused_;
  OrderWatch watch_;
  tests::SentHeader alice_ = service_.sign_in(UserId{1}, Role::customer),
                    bob_ = service_.sign_in(UserId{2}, Role::customer);
  ProductId shoes_;
};

class SharedOrderRoutesTest : public OrderRoutesTest {
 protected:
  static OrderSettings shared() {
    OrderSettings settings;
    settings.sells_alone = false;
    return settings;
  }
  SharedOrderRoutesTest() : OrderRoutesTest(shared()) {}
};

class VerifyingOrderRoutesTest : public OrderRoutesTest {
 protected:
  static OrderSettings verifying() {
    OrderSettings settings;
    settings.email_verification_required = true;
    return settings;
  }
  VerifyingOrderRoutesTest() : OrderRoutesTest(verifying()) { accounts_.all[UserId{1}].id = UserId{1}; }
};

TEST_F(VerifyingOrderRoutesTest, WhoHasProvedTheAddressBuysWithTheTokenOfBefore) {
  EXPECT_EQ(post(all, items()).error().code, Code::email_unverified);
  EXPECT_EQ(refusals_.count(Code::email_unverified), 1u);
  accounts_.all[UserId{1}].email_verified = true;
  const auto placed = post(all, items(), {key_});
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->status, Status::created);
}

TEST_F(VerifyingOrderRoutesTest, NobodyIsCalledUnverifiedWhileAccountsAreAway) {
  accounts_.all[UserId{1}].email_verified = true;
  accounts_.failure = Code::unavailable;
  EXPECT_EQ(post(all, items()).error().code, Code::unavailable);
  accounts_.failure.reset();
  accounts_.all.clear();
  EXPECT_EQ(post(all, items()).error().code, Code::email_unverified) << "no such account";
}

TEST_F(OrderRoutesTest, WhoSellsAloneNeedNotSayWhoDecides) {
  EXPECT_EQ(header_of(*post(all, items()), http::decided_field), "");
}

TEST_F(SharedOrderRoutesTest, AGatewayLearnsWhoDecides) {
  EXPECT_EQ(header_of(*post(all, items()), http::decided_field), "1");
  gate_.decides = false;
  EXPECT_EQ(header_of(*post(all, items()), http::decided_field), "");
}

TEST_F(OrderRoutesTest, ARepeatedOrderIsTheOrderAsItIsNow) {
  const auto first = post(all, items(), {key_});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, Status::created);
  gate_.board.knows_keys = true;
  const auto again = post(all, " " + items(), {key_});
  ASSERT_TRUE(again) << "the same items, written otherwise";
  EXPECT_EQ(again->body, first->body);
  EXPECT_EQ(header_of(*again, "Location"), header_of(*first, "Location"));
  EXPECT_EQ(header_of(*again, "Idempotency-Replayed"), "true");
  EXPECT_EQ(post(all, items(2), {key_}).error().code, Code::idempotency_mismatch);
  ASSERT_TRUE(post(all, items()));
  ASSERT_EQ(post(all, items()).error().code, Code::sold_out);
  EXPECT_EQ(post(all, items(2), {key_}).error().code, Code::idempotency_mismatch) << "sold out or not";
  EXPECT_EQ(refusals_.count(Code::sold_out), 1u);
  EXPECT_EQ(refusals_.count(Code::idempotency_mismatch), 2u);
}

TEST_F(OrderRoutesTest, AnOrderKeepsTheNameItWasBoughtUnder) {
  const std::string path = order();
  ProductTerms terms;
  terms.price.amount = 700;
  ASSERT_TRUE(gate_.decided(Command(ChangeProduct{shoes_, 1, terms, ProductTexts{"Boots", "", "", ""}})));
  const auto old = service_.ask(Method::get, path, "", {alice_});
  ASSERT_TRUE(old);
  EXPECT_NE(old->body.find("\"Shoes\""), std::string::npos);
  EXPECT_NE(old->body.find("500"), std::string::npos);
  EXPECT_NE(post(all, items())->body.find("\"Boots\""), std::string::npos);
  EXPECT_EQ(service_.ask(Method::get, path, "", {bob_}).error().code, Code::order_not_found);
}

TEST_F(OrderRoutesTest, PaymentTakesAKey) {
  const std::string path = order() + "/payment";
  const std::string card = R"({"method":"card","token":"ok"})";
  EXPECT_EQ(post(path, card, {key_})->status, Status::ok);
  const auto again = post(path, card, {key_});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, Status::ok);
  EXPECT_EQ(header_of(*again, "Idempotency-Replayed"), "true");
  EXPECT_EQ(post(path, R"({"method":"card","token":"no"})", {key_}).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(post(path, card)->status, Status::ok) << "paid already";
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(OrderRoutesTest, APaymentThatIsNotKnownYetIsPending) {
  provider_.charge_answer = fail(Code::unavailable, "lost");
  const auto paid = post(order() + "/payment", R"({"method":"card","token":"lost"})");
  ASSERT_TRUE(paid);
  EXPECT_EQ(paid->status, Status::accepted);
  EXPECT_NE(paid->body.find("\"pending\""), std::string::npos);
}

TEST_F(OrderRoutesTest, CancelAndReturnTakeAKey) {
  const std::string path = order();
  const auto first = post(path + "/cancel", "", {key_});
  ASSERT_TRUE(first);
  EXPECT_NE(first->body.find("\"cancelled\""), std::string::npos);
  EXPECT_EQ(header_of(*first, "Idempotency-Replayed"), "");
  const auto again = post(path + "/cancel", "{}", {key_});
  ASSERT_TRUE(again) << "no body and an empty object are the same";
  EXPECT_EQ(again->body, first->body);
  EXPECT_EQ(header_of(*again, "Idempotency-Replayed"), "true");
  EXPECT_EQ(post(path + "/cancel", "").error().code, Code::order_not_cancellable);
  EXPECT_EQ(post(path + "/return", R"({"reason":"r"})", {key_}).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(post(path + "/return", R"({"reason":"r"})").error().code, Code::order_not_returnable);
}

TEST_F(OrderRoutesTest, ACursorBelongsToItsList) {
  order();
  order();
  const auto list = [this](const std::string& query) {
    return service_.ask(Method::get, all, "", {alice_}, query);
  };
  const auto cursor_of = [&](const std::string& query) {
    const std::string body = list(query)->body;
    const auto at = body.find("\"nextCursor\":\"") + 14;
    return body.substr(at, body.find('"', at) - at);
  };
  const std::string any = cursor_of("limit=1"), accepted = cursor_of("limit=1&state=accepted");
  EXPECT_TRUE(list("cursor=" + any));
  EXPECT_TRUE(list("state=accepted&cursor=" + accepted));
  for (const std::string& wrong : {"state=accepted&cursor=" + any, "cursor=" + accepted,
                                   "state=paid&cursor=" + accepted, std::string("cursor=x")})
    EXPECT_EQ(list(wrong).error().code, Code::validation) << wrong;
}

TEST_F(OrderRoutesTest, WhatCannotBeReadIsNoRefusal) {
  const std::string path = order();
  gate_.reader_failure = Code::unavailable;
  EXPECT_EQ(post(path + "/cancel", "").error().code, Code::unavailable);
  EXPECT_EQ(service_.ask(Method::get, all, "", {alice_}).error().code, Code::unavailable);
}

}  // namespace
}  // namespace market::order
