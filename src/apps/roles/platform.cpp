#include "apps/roles/platform.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "adapters/mysql/charge_book.hpp"
#include "apps/roles/read_index.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/settings/settings_check.hpp"
#include "http/message/problem.hpp"
#include "services/auth/audited.hpp"
#include "services/order/admin_routes.hpp"
#include "services/order/cart_routes.hpp"
#include "services/order/payment_notice_routes.hpp"
#include "services/order/webhook_routes.hpp"
#include "services/platform/platform_routes.hpp"
#include "services/product/admin_routes.hpp"
#include "services/product/catalogue.hpp"
#include "services/product/routes.hpp"
#include "services/product/wish_list_routes.hpp"
#include "services/user/admin_routes.hpp"
#include "services/user/care_routes.hpp"
#include "services/user/mail_routes.hpp"

namespace market::apps {
namespace {

void warn(const std::string& line) {
  spdlog::warn("{}", line);
}

wire::DigestKey random_key(RandomSource& random) {
  wire::DigestKey key;
  random.fill(key);
  return key;
}

/// Where instances share what waits to be sent, the one that writes the log sends it. Empty: each its own.
std::function<bool()> sender_of(const Store& store, const SaleCore& core) {
  if (!store.accounts_at || !core.shared_log) return {};
  return [&core] { return core.gate.writes(); };
}

user::MailLimits mail_limits(const Settings& settings, const Store& store, const SaleCore& core) {
  user::MailLimits limits;
  limits.may_send = sender_of(store, core);
  limits.retry_wait = settings.duration("mail.retry_after");
  return limits;
}

webhook::SenderSettings webhook_settings(const Settings& settings) {
  webhook::SenderSettings sender;
  sender.private_networks = networks_of(settings, "webhooks.private_networks");
  sender.ca_file = settings.text("webhooks.tls_ca");
  return sender;
}

order::WebhookLimits webhook_limits(const Settings& settings, const Store& store, const SaleCore& core) {
  order::WebhookLimits limits;
  limits.may_send = sender_of(store, core);
  limits.retry_wait = settings.duration("webhooks.retry_after");
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

/// Of the test provider: shared where the accounts are.
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
  return std::make_unique<payment::StripeProvider>(stripe, store.payments_file(), owner_of(store), clock,
                                                   warn);
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

Platform::Platform(const std::string& data, const Settings& from, bool behind_gateway, Millis predecessor,
                   bool for_show)
    : settings(from),
      addresses_known(!behind_gateway || !settings.text("http.trusted_proxies").empty()),
      store(data, clock, predecessor, mysql_server(settings, "accounts")),
      core(store, clock, settings, product::render),
      hasher(thread_count(settings.number("users.hash_threads"), cores / 2)),
      demo(for_show),
      smtp(smtp_of(settings)),
      mails(store.outbox, smtp.get(), ids, random, clock, background.executor(), demo && !smtp, warn,
            mail_limits(settings, store, core)),
      limiter(settings.flag("ratelimit.enabled"), random_key(random)),
      sessions(store.accounts, store.tokens, denied, random, ids, clock, wall,
               user::SessionSettings{settings.duration("users.access_token_life"), store.refresh_key()}),
      sign_up(store.accounts, hasher, mails, random, ids, clock, email_verification_of(settings)),
      stripe(stripe_of(settings, store, clock)),
      notices(stripe_notices_of(settings, store)),
      test_provider(stripe ? nullptr : test_provider_of(settings, store, charges, clock)),
      provider(stripe ? static_cast<PaymentProvider&>(*stripe) : *test_provider),
      resolver(core.gate, provider, clock, background.executor(), resolver_limits(settings)),
      pay(core.gate, core.reader, provider, resolver_limits(settings).answer_max, &resolver),
      deliveries(core.gate, store.order_search, clock, background.executor(),
                 settings.duration("orders.day")),
      mail_buyers(store.outbox, store.accounts, core.reader, core.products, ids, clock,
                  [this] { mails.poke(); }),
      webhook_sender(webhook_settings(settings), random),
      webhooks(store.webhooks, webhook_sender, random, clock, background.executor(), warn,
               webhook_limits(settings, store, core)),
      feed_webhooks(store.webhooks, core.reader, core.products, ids, clock, [this] { webhooks.poke(); }) {
  store.remember_keys();
  const auto denying = run_task(sessions.deny_ended());
  if (!denying) throw std::runtime_error(denying.error().detail);
  if (store.accounts_at) denial_watch = std::make_unique<DenialWatch>(sessions);
  core.gate.add_follower(resolver);
  core.gate.add_follower(watch);  // Behind those that orders are read from.
  if (smtp || demo) mail_tail = tail_for(mail_buyers);
  if (mail_tail) core.gate.add_follower(*mail_tail);
  webhook_tail = tail_for(feed_webhooks);
  core.gate.add_follower(*webhook_tail);
  for (const sale::OpenPaymentFound& open : core.gate.open_payments())
    resolver.watch({open.order, open.attempt, open.refund});
}

std::unique_ptr<sale::LogTail> Platform::tail_for(LogEffect& effect) {
  sale::TailSettings tail;
  tail.foreign_bytes_ignored = core.shared_log != nullptr;
  return std::make_unique<sale::LogTail>(
      core.log, effect, following, background.executor(), sale::followed_to(core.gate.end_at_start()),
      [this] { return core.gate.writes(); }, warn, tail);
}

void Platform::start_effects() {
  mails.start();
  webhooks.start();
  webhook_tail->start();
  keep_refusals.start();
  if (mail_tail) {
    mail_tail->start();
    return;
  }
  spdlog::warn("mail.smtp is empty: no mails are sent");
  const auto forgotten = run_task(store.outbox.forget_place());
  if (!forgotten) throw std::runtime_error(forgotten.error().detail);
}

void Platform::add_routes() {
  order::OrderSettings orders;
  orders.payment_window = settings.duration("orders.payment_window");
  orders.email_verification_required = email_verification_of(settings) == user::EmailVerification::required;
  orders.sells_alone = !core.shared_log;
  user::add_user_routes(router, {authenticator, store.accounts, sign_up, sign_in, sessions, change_role,
                                 limiter, clock, addresses_known});
  product::add_product_routes(router, {authenticator, core.products, core.gate, store.pictures,
                                       store.picture_sizes, store.search_pool, decoding, clock});
  order::add_order_routes(router, {authenticator, core.gate, core.products, core.reader, pay, refusals,
                                   refused, watch, clock, orders});
  order::add_cart_routes(router, {authenticator, store.carts, core.products, clock});
  product::add_wish_list_routes(router, {authenticator, store.wish_lists, core.products, clock});
  order::add_admin_order_routes(router, {authenticator, core.gate, core.reader, store.order_search,
                                         store.refusal_history, core.products, clock});
  product::add_admin_product_routes(router,
                                    {authenticator, core.products, core.gate, store.search_pool, clock});
  user::add_admin_user_routes(router,
                              {authenticator, store.directory, store.audit, sessions, change_role, clock});
  if (notices) order::add_payment_notice_routes(router, {*notices, resolver, clock});
  order::add_webhook_routes(router, {authenticator, store.webhooks, webhook_sender, webhooks, ids, clock,
                                     [this] { return core.gate.place(); }});
  user::add_mail_routes(router, {authenticator, store.outbox, mails, clock}, demo && !smtp);
  user::add_care_routes(router, {authenticator, store.accounts, store.carts, store.wish_lists, care, limiter,
                                 clock, addresses_known});
  if (core.shared_log) follow_before_denying();
  write_down();
}

/// Where others write the log, what they have written lately may be missing here.
void Platform::follow_before_denying() {
  const CatchUp catch_up = [this] {
    return end_questions.run([this] { return core.gate.follow_to_now(Millis(1'000)); });
  };
  for (const char* list : {"GET /api/v1/orders", "GET /api/v1/products"})
    router.wrap(list, read_fresh(catch_up));
  for (const char* route :
       {"GET /api/v1/orders/{id}", "GET /api/v1/orders/{id}/events", "POST /api/v1/orders/{id}/payment",
        "POST /api/v1/orders/{id}/cancel", "POST /api/v1/orders/{id}/return", "GET /api/v1/products/{id}",
        "GET /api/v1/products/{id}/stock", "GET /api/v1/products/{id}/stock/stream",
        "PATCH /api/v1/products/{id}", "DELETE /api/v1/products/{id}", "POST /api/v1/products/{id}/stock",
        "PUT /api/v1/products/{id}/image", "PUT /api/v1/cart/items/{id}", "PUT /api/v1/wishlist/{id}"})
    router.wrap(route, read_again(catch_up));
}

/// What sellers and administrators change.
void Platform::write_down() {
  for (const char* route : {"POST /api/v1/products",
                            "PATCH /api/v1/products/{id}",
                            "DELETE /api/v1/products/{id}",
                            "POST /api/v1/products/{id}/stock",
                            "PUT /api/v1/products/{id}/image",
                            "PATCH /api/v1/users/{id}",
                            "PATCH /api/v1/admin/users/{id}",
                            "POST /api/v1/admin/orders/{id}/advance",
                            "POST /api/v1/admin/orders/{id}/cancel",
                            "POST /api/v1/admin/orders/{id}/refund",
                            "POST /api/v1/admin/mails/{id}/retry",
                            "POST /api/v1/admin/webhooks",
                            "PATCH /api/v1/admin/webhooks/{id}",
                            "DELETE /api/v1/admin/webhooks/{id}",
                            "POST /api/v1/admin/webhooks/{id}/secret",
                            "POST /api/v1/admin/webhook-deliveries/{id}/replay",
                            "POST /api/v1/seller/webhooks",
                            "PATCH /api/v1/seller/webhooks/{id}",
                            "DELETE /api/v1/seller/webhooks/{id}",
                            "POST /api/v1/seller/webhooks/{id}/secret",
                            "POST /api/v1/seller/webhook-deliveries/{id}/replay",
                            "GET /api/v1/admin/orders/export",
                            "POST /api/v1/admin/products/{id}/sale/pause",
                            "POST /api/v1/admin/products/{id}/sale/extend"})
    router.wrap(route, auth::audited({authenticator, store.audit, ids, clock}, route));
}

void Platform::look_at_files() {
  const bool usable = stripe ? stripe->usable() : test_provider->usable();
  if (const bool fail = !usable; fail != payments_fail.exchange(fail)) {
    if (fail)
      spdlog::error("payments.db cannot be written: no order can be paid");
    else
      spdlog::info("payments.db can be written again");
  }
  const bool gone = !store.fold.files_in_place() || !sql::is_in_place(*store.main);
  if (gone == files_gone.exchange(gone)) return;
  if (gone)
    spdlog::error(
        "records.db or main.db was deleted, moved away or made read-only; nothing is written to it");
  else
    spdlog::info("records.db and main.db are back");
}

void Platform::create_admin() {
  const char* email = std::getenv("MARKET_ADMIN_EMAIL");
  const std::string password = secret_of("MARKET_ADMIN_PASSWORD");
  const bool has_email = email && *email != '\0', has_password = !password.empty();
  if (has_email != has_password)
    throw UsageError("MARKET_ADMIN_EMAIL and MARKET_ADMIN_PASSWORD (or …_FILE) must be set together");
  if (!has_email) return;
  const auto created = run_task(sign_up.create_admin(email, password));
  if (!created)
    throw UsageError(fmt::format("the administrator cannot be created: {}", created.error().detail));
}

std::string Platform::metrics(const http::Server& server) const {
  platform::MetricsText text;
  core.add_metrics(text);
  text.family("market_orders_refused_total", "counter", "POST /orders that were refused, by reason.");
  for (std::size_t i = 0; i < order::RefusalCounts::codes; ++i) {
    const auto code = static_cast<Code>(i);
    const auto count = refusals.count(code);
    if (count != 0 || code == Code::sold_out)
      text.sample(count, platform::label("reason", http::problem_of(code).code));
  }
  add_http_metrics(server, text);
  const user::MailCounters& sent = mails.counters();
  text.family("market_mails_total", "counter", "Mails, by what became of a try to send one.")
      .sample(sent.sent.load(), platform::label("outcome", "sent"))
      .sample(sent.retried.load(), platform::label("outcome", "retried"))
      .sample(sent.failed.load(), platform::label("outcome", "failed"))
      .sample(sent.lost.load(), platform::label("outcome", "lost"));
  const order::WebhookCounters& posted = webhooks.counters();
  text.family("market_webhook_deliveries_total", "counter", "Webhook deliveries, by what became of a try.")
      .sample(posted.delivered.load(), platform::label("outcome", "delivered"))
      .sample(posted.retried.load(), platform::label("outcome", "retried"))
      .sample(posted.failed.load(), platform::label("outcome", "failed"));
  text.family("market_sql_waiting", "gauge", "Reads, writes and searches that wait, by pool.");
  const auto waiting = [&text](const BlockingPool& pool, const char* name) {
    text.sample(static_cast<std::uint64_t>(std::max(0, pool.waiting())), platform::label("pool", name));
  };
  waiting(store.accounts_pool, "accounts");
  waiting(store.pages_pool, "pages");
  waiting(store.search_pool, "search");
  waiting(store.files_pool, "files");
  waiting(charges, "charges");
  const auto stepped = clock.wall_step().count();
  text.family("market_clock_stepped_milliseconds", "gauge",
              "By how much the wall clock was set since the start.")
      .sample(static_cast<std::uint64_t>(stepped < 0 ? -stepped : stepped));
  platform::add_process_metrics(text);
  return text.text();
}

}  // namespace market::apps
