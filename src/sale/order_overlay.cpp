#include "sale/order_overlay.hpp"

#include <algorithm>

namespace market::sale {
namespace {

/// The first order whose id is not below `id`. New orders have the highest ids, so this looks from the end.
template <class Orders>
auto place_of(Orders& orders, OrderId id) {
  if (orders.empty() || orders.back().order->id < id) return orders.end();
  return std::lower_bound(orders.begin(), orders.end(), id, [](const ChangedOrder& change, OrderId wanted) {
    return change.order->id < wanted;
  });
}

bool is_forgotten(const ChangedOrder& change) {
  return change.position == 0;
}

}  // namespace

void OrderOverlay::publish(std::span<const ChangedOrder> changes) {
  for (const ChangedOrder& change : changes) {
    Shard& shard = shards_[shard_of(change.order->user)];
    const std::scoped_lock lock(shard.mutex);
    auto& [orders, forgotten] = shard.users[change.order->user];
    const auto place = place_of(orders, change.order->id);
    if (place == orders.end() || place->order->id != change.order->id) {
      orders.insert(place, change);
    } else {
      forgotten -= is_forgotten(*place);
      *place = change;
    }
  }
}

void OrderOverlay::forget(std::span<const ChangedOrder> changes) {
  for (const ChangedOrder& change : changes) {
    Shard& shard = shards_[shard_of(change.order->user)];
    const std::scoped_lock lock(shard.mutex);
    const auto user = shard.users.find(change.order->user);
    if (user == shard.users.end()) continue;
    auto& [orders, forgotten] = user->second;
    const auto found = place_of(orders, change.order->id);
    if (found == orders.end() || found->order->id != change.order->id || is_forgotten(*found) ||
        found->position > change.position)
      continue;
    found->position = 0;
    if (++forgotten * 2 < orders.size()) continue;
    orders.erase(std::remove_if(orders.begin(), orders.end(), is_forgotten), orders.end());
    forgotten = 0;
    if (orders.empty()) shard.users.erase(user);
  }
}

ChangedOrder OrderOverlay::find(UserId user, OrderId id) const {
  const Shard& shard = shards_[shard_of(user)];
  const std::scoped_lock lock(shard.mutex);
  const auto known = shard.users.find(user);
  if (known == shard.users.end()) return {};
  const auto& orders = known->second.orders;
  const auto found = place_of(orders, id);
  if (found == orders.end() || found->order->id != id || is_forgotten(*found)) return {};
  return *found;
}

std::vector<ChangedOrder> OrderOverlay::of_user(UserId user) const {
  const Shard& shard = shards_[shard_of(user)];
  const std::scoped_lock lock(shard.mutex);
  const auto known = shard.users.find(user);
  if (known == shard.users.end()) return {};
  std::vector<ChangedOrder> newer;
  std::remove_copy_if(known->second.orders.begin(), known->second.orders.end(), std::back_inserter(newer),
                      is_forgotten);
  return newer;
}

}  // namespace market::sale
