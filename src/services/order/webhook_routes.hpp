#pragma once
/// Webhooks as administrators keep them, and as sellers keep their own, with the log of their deliveries.

#include <functional>

#include "http/server/router.hpp"
#include "ports/webhook_sender.hpp"
#include "ports/webhooks.hpp"
#include "services/auth/authenticator.hpp"
#include "services/order/send_webhooks.hpp"

namespace market::order {

/// What the routes use; all of it outlives the server.
struct WebhookParts {
  const auth::Authenticator& authenticator;
  Webhooks& webhooks;
  WebhookSender& sender;
  SendWebhooks& sending;
  IdSource& ids;
  const Clock& clock;
  std::function<Place()> place;  ///< Of the newest event: a new webhook is told of those behind it.
};

/// Below /api/v1/admin everybody's; below /api/v1/seller the caller's own, which are told of orders for his
/// products alone.
void add_webhook_routes(http::Router& router, const WebhookParts& parts);

}  // namespace market::order
