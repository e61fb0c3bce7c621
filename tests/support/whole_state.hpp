#pragma once
/// All that a sale's state holds, closed orders and keys too, in an order of its own: to compare two of them.

#include <map>
#include <tuple>
#include <vector>

#include "domain/sale/sale_state.hpp"

namespace market::tests {

struct WholeState {
  using Row = std::tuple<UserId, Instant, Place, OrderState, PaymentState, AttemptId, OpenLines>;
  std::uint64_t hash = 0;
  SaleState::Numbers numbers;
  std::vector<SaleProduct> products;
  bool slots_fit = true;
  std::map<std::pair<std::int64_t, std::uint32_t>, std::int32_t> buyers;
  std::map<RequestKey, std::pair<std::int64_t, std::uint64_t>> keys;
  std::map<RequestKey, std::pair<Code, Instant>> refused;
  std::map<std::int64_t, Row> orders;
  friend bool operator==(const WholeState&, const WholeState&) = default;
};

inline WholeState whole(const SaleState& state) {
  WholeState all;
  all.hash = state_hash(state);
  all.numbers = state.numbers;
  all.products.assign(state.products.begin(), state.products.end());
  all.slots_fit = state.slots.size() == state.products.size();
  for (std::size_t slot = 0; slot < state.products.size(); ++slot)
    all.slots_fit = all.slots_fit && state.slot_of(state.products[slot].id) == slot;
  state.buyers.for_each([&](const Buyer& buyer, std::int32_t units) {
    all.buyers[{buyer.user.value, buyer.slot}] = units;
  });
  state.keys.for_each([&](const RequestKey& key, const KeyBinding& binding) {
    all.keys[key] = {binding.subject, binding.fingerprint};
  });
  for (const auto& [request, refused] : state.refused) all.refused[request] = {refused.code, refused.until};
  state.orders.for_each([&](const OpenOrder& order) {
    all.orders[order.id.value] = {order.user,
                                  order.pay_by,
                                  order.place,
                                  order.state,
                                  order.payment,
                                  state.orders.attempt_of(order.id),
                                  state.orders.lines_of(order)};
  });
  return all;
}

}  // namespace market::tests
