#pragma once
/// What answers for orders and has effects outside: payments, deliveries, mails about orders, webhooks.

#include "adapters/kafka/event_topic.hpp"
#include "adapters/payment/stripe_notices.hpp"
#include "adapters/payment/stripe_provider.hpp"
#include "adapters/payment/test_provider.hpp"
#include "adapters/webhook/webhook_sender.hpp"
#include "apps/roles/sale_core.hpp"
#include "sale/log_tail.hpp"
#include "services/order/deliveries.hpp"
#include "services/order/feed_webhooks.hpp"
#include "services/order/keep_refusals.hpp"
#include "services/order/mail_buyers.hpp"
#include "services/order/payment_resolver.hpp"
#include "services/order/publish_events.hpp"
#include "services/order/routes.hpp"
#include "services/order/send_webhooks.hpp"
#include "services/user/send_mails.hpp"

namespace market::apps {

/// What it works with; all outlive it.
struct OrderNeeds {
  Store& store;
  SaleCore& core;
  const Clock& clock;
  const Clock& wall;  ///< Of today: rows that instances share have its times, and what others judge.
  IdSource& ids;
  RandomSource& random;
  user::SendMails& mails;
  asio::any_io_executor background;
  std::function<bool()> may_send;  ///< Of several instances the one that sends; empty: this is the only one.
};

struct OrderParts {
  /// `mails_sent`: buyers get mails about their orders.
  OrderParts(OrderNeeds needs, const Settings& settings, bool mails_sent);
  /// Begins what is sent to others, of events and of what waits.
  void start();
  /// What may still submit commands or answer a request ends; before the gate.
  void stop();
  /// Behind stop(), when the gate and the background have ended.
  void stop_pools() {
    if (event_topic) event_topic->stop();
    following.stop();
    charges.stop();
  }
  /// Payments can be made and written down.
  bool payments_usable() const { return stripe ? stripe->usable() : test_provider->usable(); }
  void add_metrics(platform::MetricsText& text) const;

  Store& store;
  SaleCore& core;
  asio::any_io_executor background;
  BlockingPool charges{1, Store::sql_waiting_max};  ///< The payment provider's own file.
  BlockingPool following{1, 64};                    ///< Reads the log for those that have an effect outside.
  std::unique_ptr<payment::StripeProvider> stripe;  ///< Null: the test provider.
  std::unique_ptr<payment::StripeNotices> notices;  ///< Null: none are taken.
  std::unique_ptr<payment::TestProvider> test_provider;
  PaymentProvider& provider;
  order::PaymentResolver resolver;
  order::PayOrder pay;
  order::Deliveries deliveries;
  order::MailBuyers mail_buyers;
  std::unique_ptr<sale::LogTail> mail_tail;  ///< Null: nobody sends mails.
  webhook::HttpWebhookSender webhook_sender;
  order::SendWebhooks webhooks;
  order::FeedWebhooks feed_webhooks;
  std::unique_ptr<sale::LogTail> webhook_tail;
  std::unique_ptr<kafka::KafkaEventTopic> event_topic;  ///< Null, as those below: none are published.
  std::unique_ptr<order::PublishEvents> publish_events;
  std::unique_ptr<sale::LogTail> event_tail;
  order::RefusalCounts refusals;
  order::RefusalNotes refused;
  order::KeepRefusals keep_refusals;
  order::OrderWatch watch;
  std::atomic<bool> payments_fail{false};

 private:
  /// Follows the gate already; see LogTail.
  std::unique_ptr<sale::LogTail> tail_for(LogEffect& effect, const FollowedTo& beginning,
                                          sale::TailSettings settings = {});
  void publish_to(const kafka::EventTopicSettings& topic, Failpoint failpoint);
};

}  // namespace market::apps
