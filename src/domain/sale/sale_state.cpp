#include "domain/sale/sale_state.hpp"

namespace market {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value;
  hash *= 0xFF51AFD7ED558CCDull;
  return hash ^ (hash >> 32);
}
std::uint64_t mix(std::uint64_t hash, std::int64_t value) {
  return mix(hash, static_cast<std::uint64_t>(value));
}
std::uint64_t mix(std::uint64_t hash, Instant at) {
  return mix(hash, at.time_since_epoch().count());
}

std::uint64_t hash_of(const SaleProduct& product) {
  std::uint64_t hash = mix(mix(1, product.id.value), product.version);
  const ProductTerms& terms = product.terms;
  hash = mix(mix(hash, terms.seller.value), terms.price.amount);
  for (const char c : terms.price.currency.letters) hash = mix(hash, std::int64_t{c});
  hash = mix(mix(hash, std::int64_t{static_cast<int>(terms.kind)}), std::int64_t{terms.withdrawn});
  hash = mix(hash, terms.publish_at.value_or(Instant{}));
  if (terms.sale) {
    hash = mix(mix(hash, terms.sale->opens_at), terms.sale->closes_at.value_or(Instant{}));
    hash = mix(hash, std::int64_t{terms.sale->per_user_limit.value_or(0)});
    hash = mix(hash, std::int64_t{terms.sale->paused});
  }
  return mix(mix(mix(hash, product.stock.capacity), product.stock.remaining), product.stock.next_ticket);
}

std::uint64_t hash_of(const OpenOrders& orders, const OpenOrder& order) {
  std::uint64_t hash = mix(mix(mix(3, order.id.value), order.user.value), order.place);
  hash = mix(mix(hash, std::int64_t{static_cast<int>(order.state)}),
             std::int64_t{static_cast<int>(order.payment)});
  hash = mix(mix(hash, orders.attempt_of(order.id).value), order.pay_by);
  for (const OpenLine& line : orders.lines_of(order))
    hash = mix(mix(hash, std::int64_t{line.slot}), std::int64_t{line.quantity});
  return hash;
}

}  // namespace

std::uint64_t state_hash(const SaleState& state) {
  const SaleState::Numbers& numbers = state.numbers;
  std::uint64_t hash = mix(mix(4, numbers.place), numbers.last_id);
  hash = mix(mix(mix(hash, numbers.last_at), numbers.grace_until), numbers.oversell_prevented);
  for (const SaleProduct& product : state.products) hash = mix(hash, hash_of(product));
  // Sums, so that the order of a hash table does not matter.
  std::uint64_t sums = 0;
  state.buyers.for_each([&](const Buyer& buyer, std::int32_t units) {
    sums += mix(mix(mix(2, buyer.user.value), std::int64_t{buyer.slot}), std::int64_t{units});
  });
  state.orders.for_each([&](const OpenOrder& order) {
    if (order.open_work()) sums += hash_of(state.orders, order);
  });
  for (const auto& [request, refused] : state.refused)
    sums += mix(mix(mix(mix(5, request.hi), request.lo), std::int64_t{static_cast<int>(refused.code)}),
                refused.until);
  return mix(hash, sums);
}

}  // namespace market
