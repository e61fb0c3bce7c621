#include "apps/commands/compare_charges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>

#include "adapters/files/check_result.hpp"

namespace market::apps {
namespace {

bool is_money_of(const Order& order) {
  return order.payment == PaymentState::paid || order.payment == PaymentState::refunding ||
         order.payment == PaymentState::refunded;
}

}  // namespace

std::string missing_charges(const AuditedOrders& orders, const BookedCharges& charges) {
  files::Differences wrong;
  for (const auto& [id, order] : orders) {
    if (!is_money_of(order) || !order.attempt) continue;
    const auto charge = charges.find(order.attempt);
    if (charge == charges.end() || charge->second.declined)
      wrong.note(fmt::format("order {} is paid, and nothing was charged", id.text()));
    else if (charge->second.amount.amount != order.total.amount)
      wrong.note(fmt::format("order {} costs {}, and {} were charged", id.text(), order.total.amount,
                             charge->second.amount.amount));
    else if (order.payment == PaymentState::refunded && !charge->second.refunded)
      wrong.note(fmt::format("the refund of order {} was not made", id.text()));
  }
  return wrong.text();
}

std::string unclaimed_charges(const AuditedOrders& orders, const BookedCharges& charges) {
  boost::unordered_flat_set<AttemptId> claimed;
  AttemptId newest;
  for (const auto& [id, order] : orders) {
    newest = std::max(newest, order.attempt);
    if (is_money_of(order) || order.payment == PaymentState::pending) claimed.insert(order.attempt);
  }
  files::Differences wrong;
  for (const auto& [attempt, charge] : charges)
    if (!charge.declined && !charge.refunded && attempt <= newest && !claimed.contains(attempt))
      wrong.note(fmt::format("{} {} were charged as attempt {}, and no order is paid by it",
                             charge.amount.amount, charge.amount.currency.text(), attempt.text()));
  return wrong.text();
}

}  // namespace market::apps
