#include <fmt/format.h>

#include "domain/sale/sale_engine.hpp"

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
  std::uint64_t hash = mix(1, product.id.value);
  const ProductTerms& terms = product.terms;
  hash = mix(mix(hash, terms.seller.value), terms.price.amount);
  for (const char c : terms.price.currency.letters) hash = mix(hash, std::int64_t{c});
  hash = mix(mix(hash, std::int64_t{static_cast<int>(terms.kind)}), std::int64_t{terms.withdrawn});
  if (terms.sale) {
    hash = mix(mix(hash, terms.sale->opens_at), terms.sale->closes_at.value_or(Instant{}));
    hash = mix(hash, std::int64_t{terms.sale->per_user_limit.value_or(0)});
  }
  hash = mix(mix(mix(hash, product.stock.capacity), product.stock.remaining), product.stock.next_ticket);
  std::uint64_t buyers = 0;
  for (const auto& [user, units] : product.buyers) buyers += mix(mix(2, user.value), std::int64_t{units});
  return mix(hash, buyers);
}

std::uint64_t hash_of(const Order& order) {
  std::uint64_t hash = mix(mix(3, order.id.value), order.user.value);
  hash = mix(mix(hash, std::int64_t{static_cast<int>(order.state)}),
             std::int64_t{static_cast<int>(order.payment)});
  hash = mix(mix(mix(hash, order.attempt.value), order.total.amount), order.pay_by);
  hash = mix(mix(mix(hash, order.updated_at), order.key.hi), order.key.lo);
  hash = mix(hash, order.body_fingerprint);
  for (const OrderLine& line : order.lines)
    hash = mix(mix(mix(mix(hash, line.product.value), std::int64_t{line.quantity}), line.unit_price.amount),
               line.ticket);
  for (const StateChange& change : order.history)
    hash = mix(mix(hash, std::int64_t{static_cast<int>(change.state)}), change.at);
  return hash;
}

bool holds_units(const Order& order) {
  return order.state != OrderState::expired && order.state != OrderState::cancelled &&
         order.state != OrderState::returned;
}

}  // namespace

std::uint64_t state_hash(const SaleState& state) {
  // Sums, so that the order of a hash table does not matter.
  std::uint64_t hash = mix(mix(4, state.grace_until), state.epoch);
  std::uint64_t products = 0, orders = 0, keys = 0;
  for (const auto& entry : state.products) products += hash_of(entry.second);
  for (const auto& entry : state.orders) orders += hash_of(*entry.second);
  for (const auto& [key, binding] : state.keys)
    keys += mix(mix(mix(5, key.hi), key.lo), mix(mix(6, binding.order.value), binding.body_fingerprint));
  return mix(mix(mix(hash, products), orders), keys);
}

std::string first_violation(const SaleState& state) {
  boost::unordered_flat_map<ProductId, std::int64_t> live, highest_ticket;
  for (const auto& entry : state.orders) {
    for (const OrderLine& line : entry.second->lines) {
      auto& ticket = highest_ticket[line.product];
      ticket = std::max(ticket, line.ticket);
      if (holds_units(*entry.second)) live[line.product] += line.quantity;
    }
  }
  for (const auto& [id, product] : state.products) {
    const ProductStock& stock = product.stock;
    if (stock.remaining < 0) return fmt::format("product {}: {} units remain", id.text(), stock.remaining);
    if (stock.capacity != stock.remaining + live[id])
      return fmt::format("product {}: capacity {} is not {} remaining + {} live", id.text(), stock.capacity,
                         stock.remaining, live[id]);
    if (highest_ticket[id] >= stock.next_ticket)
      return fmt::format("product {}: ticket {} was given, {} is next", id.text(), highest_ticket[id],
                         stock.next_ticket);
  }
  boost::unordered_flat_map<ProductId, boost::unordered_flat_map<UserId, std::int64_t>> counted;
  for (const auto& entry : state.orders) {
    const Order& order = *entry.second;
    if (order.state == OrderState::expired || order.state == OrderState::cancelled)
      continue;  // Frees the limit.
    for (const OrderLine& line : order.lines) counted[line.product][order.user] += line.quantity;
  }
  for (const auto& [id, product] : state.products) {
    if (counted[id].size() != product.buyers.size())
      return fmt::format("product {}: its buyers are miscounted", id.text());
    for (const auto& [user, units] : product.buyers)
      if (counted[id][user] != units)
        return fmt::format("product {}: buyer {} has {} units, {} are counted", id.text(), user.text(),
                           counted[id][user], units);
  }
  return {};
}

}  // namespace market
