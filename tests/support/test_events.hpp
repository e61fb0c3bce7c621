#pragma once
/// An event of each kind, with and without each member that may be missing.

#include <vector>

#include "tests/support/test_sale.hpp"

namespace market::tests {

inline ProductTerms full_terms() {
  ProductTerms terms = event_terms(129'000);
  terms.price.currency = *Currency::parse("USD");
  terms.sale = Sale{at(1'000), at(90'000), 2};
  terms.publish_at = at(500);
  terms.withdrawn = true;
  return terms;
}

inline ProductTexts full_texts() {
  return ProductTexts{"한정판 운동화", "<b>백 켤레</b>", "shoes", std::string(64, 'a')};
}

inline OrderAccepted full_acceptance() {
  const Currency dollars = *Currency::parse("USD");
  OrderAccepted fact{OrderId{0x1234'5678'9ABC}, alice, at(600'004), Money{258'300, dollars}, {}};
  fact.lines.push_back(OrderLine{shoes, 3, 2, Money{129'000, dollars}, 41});
  fact.lines.push_back(OrderLine{cap, 1, 1, Money{300, dollars}, 0});
  return fact;
}

inline std::vector<Fact> facts_of_each_kind() {
  constexpr OrderId order{5};
  constexpr AttemptId attempt{6};
  const Units two_units{MovedUnits{shoes, 2}, MovedUnits{cap, 1000}};
  ProductTerms simple = event_terms();
  simple.kind = ProductKind::regular;
  OrderAccepted one_line = full_acceptance();
  one_line.lines.resize(1);
  return {ProductListed{shoes, simple, {}, 100},
          ProductListed{shoes, full_terms(), full_texts(), ProductStock::stock_max},
          ProductChanged{shoes, 7, full_terms(), full_texts()},
          StockAdjusted{shoes, -3, "파손"},
          full_acceptance(),
          one_line,
          OrderVoided{order, alice, {}, two_units, VoidReason::unpaid},
          OrderVoided{order, alice, attempt, two_units, VoidReason::hold_expired},
          PaymentStarted{order, alice, attempt},
          OrderPaid{order, alice, attempt, true, two_units, {42, 0}},
          OrderPaid{order, alice, attempt, false, {}, {}},
          PaymentDeclined{order, alice, attempt},
          RefundOwed{order, alice, attempt, OrderState::expired},
          RefundOwed{order, alice, attempt, OrderState::cancelled},
          Refunded{order, alice, attempt},
          OrderCancelled{order, alice, {}, two_units},
          OrderCancelled{order, alice, attempt, two_units},
          OrderMoved{order, alice, OrderState::shipped, {}, {}, {}, attempt},
          OrderMoved{order, alice, OrderState::returned, attempt, two_units, "너무 작아요", attempt},
          GraceGranted{at(60'000)},
          Refused{RequestKey{0x0102'0304'0506'0708, 0xF1F2'F3F4'F5F6'F7F8}, Code::limit_exceeded, at(10'000)},
          Barrier{},
          RefundOwed{order, alice, attempt, OrderState::shipped}};
}

/// With neither a key nor a command, with one of them, with both.
inline std::vector<Event> events_with(const Fact& fact) {
  const RequestKey key{0x1112'1314'1516'1718, 0xE1E2'E3E4'E5E6'E7E8};
  const CommandId command{0x2122'2324'2526'2728, 0xD1D2'D3D4'D5D6'D7D8, 300};
  return {Event{at(4), {}, 0, {}, fact}, Event{at(4), key, 0xABCD'EF01'2345'6789, {}, fact},
          Event{at(4), {}, 0, command, fact}, Event{at(4), key, 0xABCD'EF01'2345'6789, command, fact}};
}

}  // namespace market::tests
