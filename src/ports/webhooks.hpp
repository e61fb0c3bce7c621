#pragma once
/// Webhooks: who is told of which events of orders, and what became of each delivery. The URL and the secrets
/// arrive here in the clear and are stored encrypted by the adapter.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/log_effect.hpp"

namespace market {

using WebhookId = Id<struct WebhookTag>;
using DeliveryId = Id<struct DeliveryTag>;

/// Of operators; of one seller; of all sellers.
inline constexpr int webhooks_max = 20, webhooks_per_seller_max = 5, webhooks_of_sellers_max = 100;
/// Deliveries of one webhook that wait; the others are still in the log.
inline constexpr int deliveries_waiting_max = 1'000;
/// Of one webhook: kept to be looked at, of those that arrived and of those that were given up.
inline constexpr int deliveries_kept_max = 5'000;
/// After a new secret was made the one before signs too, for so long.
inline constexpr Millis secret_overlap{24 * 3'600'000};

struct Webhook {
  WebhookId id;
  UserId owner;  ///< A seller, who is told of orders for the own products alone; none: operators, of all.
  std::string url;
  std::string secret, previous_secret;  ///< The one before still signs until `previous_until`.
  Instant previous_until{};
  std::vector<std::string> events;  ///< Kinds such as `order.paid`; empty: all of orders.
  bool active = true;
  Instant created_at{};
};

struct WebhookPatch {
  std::optional<std::string> url;
  std::optional<std::vector<std::string>> events;
  std::optional<bool> active;
  std::optional<std::string> secret;  ///< With the moment until which the one before signs too.
  Instant previous_until{};
};

enum class DeliveryState : std::uint8_t { waiting, delivered, failed };
inline constexpr std::string_view delivery_state_names[] = {"waiting", "delivered", "failed"};
inline std::string_view text_of(DeliveryState state) {
  return delivery_state_names[static_cast<std::size_t>(state)];
}
inline std::optional<DeliveryState> parse_delivery_state(std::string_view text) {
  for (const DeliveryState state : {DeliveryState::waiting, DeliveryState::delivered, DeliveryState::failed})
    if (text_of(state) == text) return state;
  return std::nullopt;
}

struct Delivery {
  DeliveryId id;
  WebhookId webhook;
  std::string event_id;  ///< Of log and place: the same event is kept once for each webhook.
  std::string kind;
  OrderId order;
  std::string payload;  ///< JSON, whole.
  DeliveryState state = DeliveryState::waiting;
  Instant created_at{}, next_at{};
  int attempts = 0;
  int status = 0;  ///< Of the last answer; 0: there was none.
  std::string reason;
  std::optional<Instant> delivered_at;
};

/// Which deliveries are looked at; what is not set does not matter.
struct DeliveryFilter {
  UserId owner;  ///< Of the webhook.
  WebhookId webhook;
  std::optional<DeliveryState> state;
  DeliveryId before;
};

class Webhooks {
 public:
  /// One that waits for events and has room.
  struct Feed {
    WebhookId id;
    UserId owner;
    std::vector<std::string> events;
    FollowedTo at;
  };

  virtual ~Webhooks() = default;
  /// It is told of what comes behind `from`. Errors: list_full, unavailable, insufficient_storage (as for all
  /// below).
  virtual Task<> create(Webhook webhook, FollowedTo from) = 0;
  /// Oldest first; of `owner`, none: of everybody. They are few.
  virtual Task<std::vector<Webhook>> list(UserId owner) = 0;
  /// One of `owner`, none: of anybody; another's is not found, as for all below. Errors: not_found.
  virtual Task<Webhook> find(WebhookId id, UserId owner = {}) = 0;
  virtual Task<Webhook> update(WebhookId id, UserId owner, WebhookPatch patch) = 0;
  /// With its deliveries. Errors: not_found.
  virtual Task<> remove(WebhookId id, UserId owner) = 0;

  /// Of owners who are sellers or administrators still, and not locked.
  virtual Task<std::vector<Feed>> feeds() = 0;
  /// The deliveries and the place they were made for, at once. One that was removed meanwhile takes none.
  virtual Task<> add(WebhookId id, std::vector<Delivery> deliveries, FollowedTo to) = 0;

  /// The next delivery of each active webhook that is none of `busy`.
  virtual Task<std::vector<Delivery>> due(Instant now, std::vector<WebhookId> busy) = 0;
  /// The receiver has taken it, whoever sent it.
  virtual Task<> mark_delivered(DeliveryId id, Instant now, int status) = 0;
  /// Counts an attempt. `next_at` none: it is given up. `attempts`: as it was read; false, and nothing
  /// changes, when another instance has delivered or tried it since.
  virtual Task<bool> mark_failed(DeliveryId id, int attempts, std::optional<Instant> next_at, int status,
                                 std::string reason) = 0;
  /// Newest first, from the one behind `before` (none: the newest).
  virtual Task<std::vector<Delivery>> deliveries(DeliveryFilter filter, int limit) = 0;
  /// It waits again, whatever became of it. Errors: not_found.
  virtual Task<Delivery> replay(DeliveryId id, UserId owner, Instant now) = 0;
};

}  // namespace market
