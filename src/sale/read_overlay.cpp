#include "sale/read_overlay.hpp"

#include <algorithm>

namespace market::sale {
namespace {

/// An empty shard keeps room for so many; what a rush took beyond is given back.
constexpr std::size_t kept_users_max = 256;

}  // namespace

void ReadOverlay::publish(const CountedEvents& events) {
  for (const CountedEvent& counted : *events) {
    const OrderId order = order_of(counted.event.fact);
    if (!order) continue;
    const UserId user = user_of(counted.event.fact);
    Shard& shard = shards_[shard_of(user)];
    const std::scoped_lock lock(shard.mutex);
    shard.users[user].push_back(NewerFact{order, {events, &counted}});
  }
}

void ReadOverlay::forget(const CountedEvents& events) {
  if (events->empty()) return;
  const Place through = events->back().place;
  for (const CountedEvent& counted : *events) {
    if (!order_of(counted.event.fact)) continue;
    const UserId user = user_of(counted.event.fact);
    Shard& shard = shards_[shard_of(user)];
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.users.find(user);
    if (found == shard.users.end() || found->second.front().event->place > through) continue;
    // All of the group's at once: whoever orders thousands of times costs no more per order than anybody
    // else.
    Facts& facts = found->second;
    const auto newer = std::find_if(facts.begin(), facts.end(),
                                    [through](const NewerFact& fact) { return fact.event->place > through; });
    if (newer != facts.end()) {
      facts.erase(facts.begin(), newer);
      continue;
    }
    shard.users.erase(found);
    if (shard.users.empty() && shard.users.bucket_count() > kept_users_max) shard.users = {};
  }
}

std::vector<NewerFact> ReadOverlay::of_order(UserId user, OrderId id) const {
  std::vector<NewerFact> found;
  const Shard& shard = shards_[shard_of(user)];
  const std::scoped_lock lock(shard.mutex);
  const auto known = shard.users.find(user);
  if (known == shard.users.end()) return found;
  for (const NewerFact& fact : known->second)
    if (fact.order == id) found.push_back(fact);
  return found;
}

std::vector<NewerFact> ReadOverlay::of_user(UserId user) const {
  const Shard& shard = shards_[shard_of(user)];
  const std::scoped_lock lock(shard.mutex);
  const auto known = shard.users.find(user);
  if (known == shard.users.end()) return {};
  return {known->second.begin(), known->second.end()};
}

}  // namespace market::sale
