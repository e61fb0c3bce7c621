#include "adapters/memory/order_overlay.hpp"

#include <algorithm>

namespace market::memory {
namespace {

template <class Orders>
auto find_in(Orders& orders, OrderId id) {
  return std::find_if(orders.begin(), orders.end(),
                      [id](const ChangedOrder& c) { return c.order->id == id; });
}

}  // namespace

void OrderOverlay::publish(std::span<const ChangedOrder> changes) {
  for (const ChangedOrder& change : changes) {
    Shard& shard = shards_[shard_of(change.order->user)];
    const std::scoped_lock lock(shard.mutex);
    auto& orders = shard.users[change.order->user];
    if (const auto found = find_in(orders, change.order->id); found != orders.end())
      *found = change;
    else
      orders.push_back(change);
  }
}

void OrderOverlay::forget(std::span<const ChangedOrder> changes) {
  for (const ChangedOrder& change : changes) {
    Shard& shard = shards_[shard_of(change.order->user)];
    const std::scoped_lock lock(shard.mutex);
    const auto user = shard.users.find(change.order->user);
    if (user == shard.users.end()) continue;
    const auto found = find_in(user->second, change.order->id);
    if (found == user->second.end() || found->position > change.position) continue;
    user->second.erase(found);
    if (user->second.empty()) shard.users.erase(user);
  }
}

ChangedOrder OrderOverlay::find(UserId user, OrderId id) const {
  const Shard& shard = shards_[shard_of(user)];
  const std::scoped_lock lock(shard.mutex);
  const auto orders = shard.users.find(user);
  if (orders == shard.users.end()) return {};
  const auto found = find_in(orders->second, id);
  return found == orders->second.end() ? ChangedOrder{} : *found;
}

std::vector<ChangedOrder> OrderOverlay::of_user(UserId user) const {
  const Shard& shard = shards_[shard_of(user)];
  const std::scoped_lock lock(shard.mutex);
  const auto orders = shard.users.find(user);
  if (orders == shard.users.end()) return {};
  return {orders->second.begin(), orders->second.end()};
}

}  // namespace market::memory
