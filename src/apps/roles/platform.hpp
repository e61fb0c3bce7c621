#pragma once
/// The store with its services, wired: what one process holds that answers for users, products and orders.

#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

#include "adapters/crypto/password_hasher.hpp"
#include "adapters/crypto/random_source.hpp"
#include "adapters/mail/smtp_transport.hpp"
#include "apps/roles/background_thread.hpp"
#include "apps/roles/denial_watch.hpp"
#include "apps/roles/id_clock.hpp"
#include "apps/roles/order_parts.hpp"
#include "apps/roles/redis_parts.hpp"
#include "apps/roles/sale_core.hpp"
#include "apps/roles/serve_role.hpp"
#include "http/server/server.hpp"
#include "services/user/account_care.hpp"
#include "services/user/routes.hpp"
#include "services/user/send_mails.hpp"

namespace market::apps {

/// Everything a request may reach, and the routes that lead there.
struct Platform {
  /// `demo`: mails are kept to be looked at.
  Platform(Services answering, const std::string& data, const Settings& from, bool behind_gateway,
           Millis predecessor, bool demo);
  ~Platform();
  /// Ends whatever may still answer a request. After Server::run(), and before the server with its contexts
  /// goes: what is answered late is posted to them. May be called again.
  void stop() {
    if (std::exchange(stopped, true)) return;
    if (denial_watch) denial_watch->stop();
    if (redis) redis->stop_sharing();
    if (orders) orders->stop();
    mails.stop();
    if (core) core->gate.stop();
    if (redis) redis->client.stop();
    background.stop();
    hasher.stop();
    decoding.stop();
    end_questions.stop();
    if (orders) orders->stop_pools();
    store.stop_pools();
    store.order_search.stop();
    if (core) core->stop();
  }
  /// Selling, and what is sent to others.
  void start();
  void add_routes();
  void add_product_routes();
  void add_order_routes();
  void add_user_routes();
  using Routes = std::initializer_list<const char*>;
  void write_down(Routes routes);
  std::function<Task<>()> catch_up();
  void follow_before(Routes fresh, Routes denying);
  void create_admin();
  std::string metrics(const http::Server& server) const;
  void look_at_files();

  bool stopped = false;
  const Services services;
  const Settings& settings;
  const SystemClock clock;
  const WallClock wall;  ///< Of what other instances compare with their own time, in tokens and shared rows.
  const bool addresses_known;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  Store store;
  FairPool decoding{1, 16};                 ///< Of pictures.
  const std::unique_ptr<SaleCore> core;     ///< Null: only users are answered for.
  const std::unique_ptr<RedisParts> redis;  ///< Null: none is named.
  /// As far as they are folded, for a process that does not follow the log. Null: it does, or has no records.
  struct RecordedOrders;
  std::unique_ptr<RecordedOrders> recorded_orders;
  const IdClock id_clock{clock, sql::greatest_id_in(*store.main)};
  IdSource ids{id_clock};
  auth::DeniedSessions denied;
  auth::Authenticator authenticator{store.tokens, denied, wall};

  crypto::ArgonPasswordHasher hasher;
  crypto::SodiumRandomSource random;
  const bool demo;
  BackgroundThread background;                ///< Payments whose answer is missing, refunds, mails.
  std::unique_ptr<mail::SmtpTransport> smtp;  ///< Null: no server is named.
  user::SendMails mails;
  user::GuessLimiter limiter;
  user::Sessions sessions;
  user::SignUp sign_up;
  user::SignIn sign_in{store.accounts, hasher, sessions, limiter, clock};
  user::ChangeRole change_role{store.accounts, sessions, wall};
  user::CareForAccount care{store.accounts, store.care, hasher, mails, random, sessions, wall};

  const std::unique_ptr<OrderParts> orders;   ///< Null: orders are answered for elsewhere.
  std::atomic<bool> files_gone{false};        ///< A database is not where it was; the log looks after itself.
  std::unique_ptr<DenialWatch> denial_watch;  ///< Where other instances end sessions too.
  BlockingPool end_questions{2, 4'096};       ///< Of reads that would deny: where does the log end?
  http::Router router;
};

}  // namespace market::apps
