#include "apps/roles/order_parts.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "adapters/mysql/charge_book.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/serve_parts.hpp"
#include "base/limited_warnings.hpp"
#include "http/message/problem.hpp"

namespace market::apps {
namespace {

constexpr std::size_t published_at_once_max = 2'048;  ///< Events, and a group.

void warn(const std::string& line) {
  spdlog::warn("{}", line);
}

webhook::SenderSettings webhook_settings(const Settings& settings) {
  webhook::SenderSettings sender;
  sender.private_networks = networks_of(settings, "webhooks.private_networks");
  sender.ca_file = settings.text("webhooks.tls_ca");
  return sender;
}

order::WebhookLimits webhook_limits(const Settings& settings, std::function<bool()> may_send) {
  order::WebhookLimits limits;
  limits.may_send = std::move(may_send);
  limits.retry_wait = settings.duration("webhooks.retry_after");
  limits.failpoint = failpoint_of(settings);
  return limits;
}

payment::ChargeFileOwner owner_of(const Store& store) {
  return {store.id.hi, store.id.lo,
          [&store](std::string_view text) { return store.cipher.blind_index(text); }};
}

/// This shop among those of one account.
std::string name_of(const Store& store) {
  return fmt::format("{:016x}{:016x}", store.id.hi, store.id.lo);
}

/// Of what the provider has charged: shared where the accounts are.
std::unique_ptr<ChargeBook> charge_book(Store& store) {
  if (store.accounts_at)
    return std::make_unique<mysql::MysqlChargeBook>(*store.accounts_at, Store::sql_threads,
                                                    owner_of(store).sum);
  return std::make_unique<payment::ChargeFile>(store.payments_file(), owner_of(store));
}

std::unique_ptr<payment::TestProvider> test_provider_of(const Settings& settings, Store& store,
                                                        BlockingPool& charges, const Clock& clock) {
  const auto late =
      settings.duration("orders.payment_window") + settings.duration("orders.attempt_bound") + Millis(1'000);
  return std::make_unique<payment::TestProvider>(charge_book(store), charges, clock,
                                                 [late](AttemptId) { return late; });
}

std::unique_ptr<payment::StripeProvider> stripe_of(const Settings& settings, Store& store,
                                                   const Clock& clock) {
  const auto file = settings.text("payments.stripe_key_file");
  if (file.empty()) return nullptr;
  payment::StripeSettings stripe;
  stripe.url = settings.text("payments.stripe_url");
  stripe.key = secret_in_file("payments.stripe_key_file", file);
  stripe.store = name_of(store);
  return std::make_unique<payment::StripeProvider>(stripe, charge_book(store), clock, limited_warnings());
}

std::unique_ptr<payment::StripeNotices> stripe_notices_of(const Settings& settings, const Store& store) {
  const auto file = settings.text("payments.stripe_notice_secret_file");
  if (file.empty()) return nullptr;
  const auto secret = secret_in_file("payments.stripe_notice_secret_file", file);
  return std::make_unique<payment::StripeNotices>(secret, name_of(store));
}

order::ResolverLimits resolver_limits(const Settings& settings) {
  order::ResolverLimits limits;
  // By then the order has expired, so no second attempt can be open beside one that is given up.
  limits.unknown_max +=
      settings.duration("orders.payment_window") + settings.duration("orders.attempt_bound");
  return limits;
}

}  // namespace

OrderParts::OrderParts(OrderNeeds needs, const Settings& settings, bool mails_sent)
    : store(needs.store),
      core(needs.core),
      background(needs.background),
      stripe(stripe_of(settings, store, needs.clock)),
      notices(stripe_notices_of(settings, store)),
      test_provider(stripe ? nullptr : test_provider_of(settings, store, charges, needs.clock)),
      provider(stripe ? static_cast<PaymentProvider&>(*stripe) : *test_provider),
      resolver(core.gate, provider, needs.clock, background, resolver_limits(settings),
               failpoint_of(settings)),
      pay(core.gate, core.reader, provider, resolver_limits(settings).answer_max, &resolver,
          failpoint_of(settings)),
      deliveries(core.gate, core.order_search, needs.clock, background, settings.duration("orders.day"),
                 needs.may_send),
      mail_buyers(store.outbox, store.accounts, core.reader, core.products, needs.ids, needs.wall,
                  [&mails = needs.mails] { mails.poke(); }),
      webhook_sender(webhook_settings(settings), needs.random),
      webhooks(store.webhooks, webhook_sender, needs.random, needs.wall, background, warn,
               webhook_limits(settings, needs.may_send)),
      feed_webhooks(store.webhooks, core.reader, core.products, needs.ids, needs.wall,
                    [this] { webhooks.poke(); }),
      keep_refusals(refused, store.refusal_history, core.products, needs.clock, background) {
  core.gate.add_follower(resolver);
  core.gate.add_follower(watch);  // Behind those that orders are read from.
  const auto from_now = sale::followed_to(core.gate.end_at_start());
  if (mails_sent) mail_tail = tail_for(mail_buyers, from_now);
  webhook_tail = tail_for(feed_webhooks, from_now);
  if (const auto topic = event_topic_settings(settings)) publish_to(*topic, failpoint_of(settings));
  for (const sale::OpenPaymentFound& open : core.gate.open_payments())
    resolver.watch({open.order, open.attempt, open.refund});
}

std::unique_ptr<sale::LogTail> OrderParts::tail_for(LogEffect& effect, const FollowedTo& beginning,
                                                    sale::TailSettings settings) {
  settings.foreign_bytes_ignored = core.shared_log != nullptr;
  auto tail = std::make_unique<sale::LogTail>(
      core.log, effect, following, background, beginning, [this] { return core.gate.writes(); },
      [this] { return core.gate.place(); }, warn, settings);
  core.gate.add_follower(*tail);
  return tail;
}

/// From the log's start: whoever reads them may count on all of them. Nothing is looked up for them, so many
/// are taken at once: in a rush they keep up, and each part costs Kafka and the database a request.
void OrderParts::publish_to(const kafka::EventTopicSettings& topic, Failpoint failpoint) {
  event_topic = std::make_unique<kafka::KafkaEventTopic>(topic);
  publish_events =
      std::make_unique<order::PublishEvents>(*event_topic, store.places, core.products, std::move(failpoint));
  event_tail = tail_for(*publish_events, FollowedTo(), {.part_events_max = published_at_once_max});
}

void OrderParts::start() {
  if (event_tail) event_tail->start();
  deliveries.start();
  webhooks.start();
  webhook_tail->start();
  keep_refusals.start();
  if (mail_tail) {
    mail_tail->start();
    return;
  }
  spdlog::warn("mail.smtp is empty: no mails are sent");
  const auto forgotten = run_task(store.outbox.forget_place());
  if (!forgotten)  // The database may only be read for now: orders need no mail.
    spdlog::warn("once mail.smtp is set, buyers may get mails about orders of today: {}",
                 forgotten.error().detail);
}

void OrderParts::stop() {
  pay.wait(Millis(5'000));
  deliveries.stop();
  if (mail_tail) mail_tail->stop();
  webhook_tail->stop();
  if (event_tail) event_tail->stop();
  webhooks.stop();
  keep_refusals.stop();
  resolver.stop();
  if (stripe) stripe->stop();
}

void OrderParts::add_metrics(platform::MetricsText& text) const {
  text.family("market_orders_refused_total", "counter", "POST /orders that were refused, by reason.");
  for (std::size_t i = 0; i < order::RefusalCounts::codes; ++i) {
    const auto code = static_cast<Code>(i);
    const auto count = refusals.count(code);
    if (count != 0 || code == Code::sold_out)
      text.sample(count, platform::label("reason", http::problem_of(code).code));
  }
  if (publish_events)
    text.family("market_events_published_total", "counter", "Public events that are in their topic.")
        .sample(publish_events->published());
  const order::WebhookCounters& posted = webhooks.counters();
  text.family("market_webhook_deliveries_total", "counter", "Webhook deliveries, by what became of a try.")
      .sample(posted.delivered.load(), platform::label("outcome", "delivered"))
      .sample(posted.retried.load(), platform::label("outcome", "retried"))
      .sample(posted.failed.load(), platform::label("outcome", "failed"));
}

}  // namespace market::apps
