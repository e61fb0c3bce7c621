#pragma once
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "ports/webhooks.hpp"

namespace market::tests {

/// The table's rules in memory; the adapter's own are tested by tests/contract.
struct MemoryWebhooks final : Webhooks {
  Task<> create(Webhook, FollowedTo) override { co_return Result<>(); }
  Task<std::vector<Webhook>> list(UserId) override { co_return std::vector<Webhook>(); }
  Task<Webhook> find(WebhookId id, UserId) override {
    if (!all.contains(id)) co_return fail(Code::not_found, "removed");
    co_return all.at(id);
  }
  Task<Webhook> update(WebhookId id, UserId owner, WebhookPatch) override { return find(id, owner); }
  Task<> remove(WebhookId, UserId) override { co_return Result<>(); }
  Task<std::vector<Feed>> feeds() override { co_return fed; }
  Task<> add(WebhookId id, std::vector<Delivery>, FollowedTo to) override {
    for (Feed& feed : fed)
      if (feed.id == id) feed.at = to;
    ++adds;
    co_return Result<>();
  }
  Task<std::vector<Delivery>> due(Instant now, std::vector<WebhookId> busy) override {
    if (throws-- > 0) throw std::runtime_error("asked for");
    std::vector<Delivery> found;
    std::set<WebhookId> seen(busy.begin(), busy.end());
    for (const auto& [id, each] : rows)
      if (each.state == DeliveryState::waiting && each.next_at <= now && seen.insert(each.webhook).second)
        found.push_back(each);
    co_return found;
  }
  Task<> mark_delivered(DeliveryId id, Instant now, int status) override {
    rows.at(id).state = DeliveryState::delivered;
    rows.at(id).delivered_at = now;
    rows.at(id).status = status;
    co_return Result<>();
  }
  Task<bool> mark_failed(DeliveryId id, int attempts, std::optional<Instant> next_at, int status,
                         std::string reason) override {
    Delivery& row = rows.at(id);
    if (row.attempts != attempts || row.state != DeliveryState::waiting) co_return false;
    row.state = next_at ? DeliveryState::waiting : DeliveryState::failed;
    if (next_at) row.next_at = *next_at;
    row.status = status;
    row.reason = std::move(reason);
    ++row.attempts;
    co_return true;
  }
  Task<std::vector<Delivery>> deliveries(DeliveryFilter, int) override { co_return std::vector<Delivery>(); }
  Task<Delivery> replay(DeliveryId, UserId, Instant) override { co_return fail(Code::not_found, "none"); }
  std::map<WebhookId, Webhook> all;
  std::map<DeliveryId, Delivery> rows;
  std::vector<Feed> fed;
  int throws = 0, adds = 0;
};

}  // namespace market::tests
