#pragma once
/// ports/webhooks.hpp on main.db.

#include "ports/field_cipher.hpp"
#include "ports/webhooks.hpp"

namespace market::sqlite {

class MainDatabase;

class SqliteWebhooks final : public Webhooks {
 public:
  SqliteWebhooks(MainDatabase& database, const FieldCipher& cipher) : database_(database), cipher_(cipher) {}
  Task<> create(Webhook webhook, FollowedTo from) override;
  Task<std::vector<Webhook>> list() override;
  Task<Webhook> find(WebhookId id) override;
  Task<Webhook> update(WebhookId id, WebhookPatch patch) override;
  Task<> remove(WebhookId id) override;
  Task<std::vector<Feed>> feeds() override;
  Task<> add(WebhookId id, std::vector<Delivery> deliveries, FollowedTo to) override;
  Task<std::vector<Delivery>> due(Instant now, std::vector<WebhookId> busy) override;
  Task<> mark_delivered(DeliveryId id, Instant now, int status) override;
  Task<> mark_failed(DeliveryId id, std::optional<Instant> next_at, int status, std::string reason) override;
  Task<std::vector<Delivery>> deliveries(WebhookId id, std::optional<DeliveryState> state, DeliveryId before,
                                         int limit) override;
  Task<Delivery> replay(DeliveryId id, Instant now) override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
};

}  // namespace market::sqlite
