#pragma once
/// The store with its services, wired: what one process holds that answers for users, products and orders.

#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

#include "adapters/crypto/password_hasher.hpp"
#include "adapters/crypto/random_source.hpp"
#include "adapters/mail/smtp_transport.hpp"
#include "adapters/payment/stripe_notices.hpp"
#include "adapters/payment/stripe_provider.hpp"
#include "adapters/payment/test_provider.hpp"
#include "adapters/webhook/webhook_sender.hpp"
#include "apps/roles/background_thread.hpp"
#include "apps/roles/denial_watch.hpp"
#include "apps/roles/id_clock.hpp"
#include "apps/roles/sale_core.hpp"
#include "http/server/server.hpp"
#include "sale/log_tail.hpp"
#include "services/order/deliveries.hpp"
#include "services/order/feed_webhooks.hpp"
#include "services/order/keep_refusals.hpp"
#include "services/order/mail_buyers.hpp"
#include "services/order/payment_resolver.hpp"
#include "services/order/routes.hpp"
#include "services/order/send_webhooks.hpp"
#include "services/user/account_care.hpp"
#include "services/user/routes.hpp"
#include "services/user/send_mails.hpp"

namespace market::apps {

/// Everything a request may reach, and the routes that lead there.
struct Platform {
  /// `demo`: mails are kept to be looked at.
  Platform(const std::string& data, const Settings& from, bool behind_gateway, Millis predecessor, bool demo);
  ~Platform() { stop(); }
  /// Ends whatever may still answer a request. After Server::run(), and before the server with its contexts
  /// goes: what is answered late is posted to them. May be called again.
  void stop() {
    if (std::exchange(stopped, true)) return;
    if (denial_watch) denial_watch->stop();
    pay.wait(Millis(5'000));
    deliveries.stop();
    if (mail_tail) mail_tail->stop();
    webhook_tail->stop();
    webhooks.stop();
    keep_refusals.stop();
    resolver.stop();
    if (stripe) stripe->stop();
    mails.stop();
    core.gate.stop();
    background.stop();
    hasher.stop();
    following.stop();
    decoding.stop();
    end_questions.stop();
    charges.stop();
    store.stop_pools();
    store.order_search.stop();
    core.stop();
  }
  /// What is sent to others, of events and of what waits.
  void start_effects();
  void add_routes();
  std::unique_ptr<sale::LogTail> tail_for(LogEffect& effect);
  void write_down();
  void follow_before_denying();
  void create_admin();
  std::string metrics(const http::Server& server) const;
  void look_at_files();

  bool stopped = false;
  const Settings& settings;
  const SystemClock clock;
  const WallClock wall;
  const bool addresses_known;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  Store store;
  BlockingPool decoding{1, 16};                     ///< Of pictures.
  BlockingPool charges{1, Store::sql_waiting_max};  ///< The payment provider's own file.
  SaleCore core;
  const IdClock id_clock{clock, sql::greatest_id_in(*store.main)};
  IdSource ids{id_clock};
  auth::DeniedSessions denied;
  auth::Authenticator authenticator{store.tokens, denied, wall};

  crypto::ArgonPasswordHasher hasher;
  crypto::SodiumRandomSource random;
  const bool demo;
  BackgroundThread background;                ///< Payments whose answer is missing, refunds, mails.
  BlockingPool following{1, 64};              ///< Reads the log for those that have an effect outside.
  std::unique_ptr<mail::SmtpTransport> smtp;  ///< Null: no server is named.
  user::SendMails mails;
  user::GuessLimiter limiter;
  user::Sessions sessions;
  user::SignUp sign_up;
  user::SignIn sign_in{store.accounts, hasher, sessions, limiter, clock};
  user::ChangeRole change_role{store.accounts, sessions, clock};
  user::CareForAccount care{store.accounts, store.care, hasher, mails, random, sessions, clock};

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
  order::RefusalCounts refusals;
  order::RefusalNotes refused;
  order::KeepRefusals keep_refusals{refused, store.refusal_history, core.products, clock,
                                    background.executor()};
  order::OrderWatch watch;
  std::atomic<bool> files_gone{false};  ///< A database is not where it was; the log looks after itself.
  std::atomic<bool> payments_fail{false};
  std::unique_ptr<DenialWatch> denial_watch;  ///< Where other instances end sessions too.
  BlockingPool end_questions{2, 4'096};       ///< Of reads that would deny: where does the log end?
  http::Router router;
};

}  // namespace market::apps
