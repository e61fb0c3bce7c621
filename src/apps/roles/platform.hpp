#pragma once
/// The store with its services, wired: what one process holds that answers for users, products and orders.

#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

#include "adapters/crypto/password_hasher.hpp"
#include "adapters/crypto/random_source.hpp"
#include "adapters/mail/file_mailer.hpp"
#include "adapters/payment/test_provider.hpp"
#include "apps/roles/background_thread.hpp"
#include "apps/roles/denial_watch.hpp"
#include "apps/roles/sale_core.hpp"
#include "http/server/server.hpp"
#include "services/order/deliveries.hpp"
#include "services/order/payment_resolver.hpp"
#include "services/order/routes.hpp"
#include "services/user/account_care.hpp"
#include "services/user/routes.hpp"

namespace market::apps {

/// Everything a request may reach, and the routes that lead there.
struct Platform {
  Platform(const std::string& data, const Settings& from, bool behind_gateway, Millis predecessor);
  ~Platform() { stop(); }
  /// Ends whatever may still answer a request. After Server::run(), and before the server with its contexts
  /// goes: what is answered late is posted to them. May be called again.
  void stop() {
    if (std::exchange(stopped, true)) return;
    if (denial_watch) denial_watch->stop();
    pay.wait(Millis(5'000));
    deliveries.stop();
    resolver.stop();
    core.gate.stop();
    background.stop();
    hasher.stop();
    mailer.stop();
    decoding.stop();
    end_questions.stop();
    store.pool.stop();
    store.order_search.stop();
    core.stop();
  }
  void add_routes();
  void check_heads();
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
  BlockingPool decoding{1, 16};  ///< Of pictures.
  SaleCore core;
  IdSource ids{clock};
  auth::DeniedSessions denied;
  auth::Authenticator authenticator{store.tokens, denied, wall};

  crypto::ArgonPasswordHasher hasher;
  crypto::SodiumRandomSource random;
  mail::FileMailer mailer{store.folder.file("mail.log"),
                          [](const std::string& line) { spdlog::warn("{}", line); }};
  user::GuessLimiter limiter;
  user::Sessions sessions;
  user::SignUp sign_up;
  user::SignIn sign_in{store.accounts, hasher, sessions, limiter, clock};
  user::ChangeRole change_role{store.accounts, sessions, clock};
  user::CareForAccount care{store.accounts, store.care, hasher, mailer, random, sessions, clock};

  BackgroundThread background;  ///< Payments whose answer is missing, refunds.
  payment::TestProvider provider;
  order::PaymentResolver resolver;
  order::PayOrder pay;
  order::Deliveries deliveries;
  order::RefusalCounts refusals;
  order::OrderWatch watch;
  std::atomic<bool> files_gone{false};  ///< A database is not where it was; the log looks after itself.
  std::atomic<bool> payments_fail{false};
  std::unique_ptr<DenialWatch> denial_watch;  ///< Where other instances end sessions too.
  BlockingPool end_questions{2, 4'096};       ///< Of reads that would deny: where does the log end?
  http::Router router;
};

}  // namespace market::apps
