#pragma once
/// ports/webhooks.hpp on the ordinary rows.

#include "ports/field_cipher.hpp"
#include "ports/webhooks.hpp"

namespace market::sql {

class MainDatabase;

class SqlWebhooks final : public Webhooks {
 public:
  SqlWebhooks(MainDatabase& database, const FieldCipher& cipher) : database_(database), cipher_(cipher) {}
  Task<> create(Webhook webhook, FollowedTo from) override;
  Task<std::vector<Webhook>> list(UserId owner) override;
  Task<Webhook> find(WebhookId id, UserId owner) override;
  Task<Webhook> update(WebhookId id, UserId owner, WebhookPatch patch) override;
  Task<> remove(WebhookId id, UserId owner) override;
  Task<std::vector<Feed>> feeds() override;
  Task<> add(WebhookId id, std::vector<Delivery> deliveries, FollowedTo to) override;
  Task<std::vector<Delivery>> due(Instant now, std::vector<WebhookId> busy) override;
  Task<> mark_delivered(DeliveryId id, Instant now, int status) override;
  Task<bool> mark_failed(DeliveryId id, int attempts, std::optional<Instant> next_at, int status,
                         std::string reason) override;
  Task<std::vector<Delivery>> deliveries(DeliveryFilter filter, int limit) override;
  Task<Delivery> replay(DeliveryId id, UserId owner, Instant now) override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
};

}  // namespace market::sql
