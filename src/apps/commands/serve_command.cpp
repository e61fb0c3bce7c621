// `market serve`: assembly on one page. Plain references, made in order, gone in reverse.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "adapters/crypto/password_hasher.hpp"
#include "adapters/crypto/random_source.hpp"
#include "adapters/mail/file_mailer.hpp"
#include "adapters/payment/test_provider.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/demo.hpp"
#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/background_thread.hpp"
#include "apps/roles/gateway_role.hpp"
#include "apps/roles/handover.hpp"
#include "apps/roles/housekeeping.hpp"
#include "apps/roles/management_server.hpp"
#include "apps/roles/registry_client_of.hpp"
#include "apps/roles/registry_role.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/sale_core.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/standby_registration.hpp"
#include "apps/settings/settings_check.hpp"
#include "http/message/problem.hpp"
#include "http/server/server.hpp"
#include "services/order/payment_resolver.hpp"
#include "services/order/routes.hpp"
#include "services/platform/platform_routes.hpp"
#include "services/product/catalogue.hpp"
#include "services/product/routes.hpp"
#include "services/user/routes.hpp"

namespace market::apps {
namespace {

wire::DigestKey random_key(RandomSource& random) {
  wire::DigestKey key;
  random.fill(key);
  return key;
}

/// Everything a request may reach, and the routes that lead there.
struct Platform {
  Platform(const std::string& data, const Settings& from, bool behind_gateway, Millis predecessor);
  ~Platform() { stop(); }
  /// Ends whatever may still answer a request. After Server::run(), and before the server with its contexts
  /// goes: what is answered late is posted to them. May be called again.
  void stop() {
    if (std::exchange(stopped, true)) return;
    pay.wait(Millis(5'000));
    resolver.stop();
    core.gate.stop();
    background.stop();
    hasher.stop();
    mailer.stop();
    store.pool.stop();
    core.stop();
  }
  void add_routes();
  void check_heads();
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
  SaleCore core;
  IdSource ids{clock};
  auth::DeniedSessions denied;
  auth::Authenticator authenticator{store.tokens, denied, wall};

  crypto::ArgonPasswordHasher hasher;
  crypto::SodiumRandomSource random;
  mail::FileMailer mailer{store.folder.file("mail.log"),
                          [](const std::string& line) { spdlog::warn("{}", line); }};
  user::GuessLimiter limiter{settings.flag("ratelimit.enabled"), random_key(random)};
  user::Sessions sessions;
  user::SignUp sign_up;
  user::SignIn sign_in{store.accounts, hasher, sessions, limiter, clock};
  user::ChangeRole change_role{store.accounts, sessions, clock};

  BackgroundThread background;  ///< Payments whose answer is missing, refunds.
  payment::TestProvider provider;
  order::PaymentResolver resolver;
  order::PayOrder pay;
  order::RefusalCounts refusals;
  std::atomic<bool> files_gone{false};  ///< A database is not where it was; the log looks after itself.
  std::atomic<bool> payments_fail{false};
  http::Router router;
};

order::ResolverLimits resolver_limits(const Settings& settings) {
  order::ResolverLimits limits;
  // By then the order has expired, so no second attempt can be open beside one that is given up.
  limits.unknown_max +=
      settings.duration("orders.payment_window") + settings.duration("orders.attempt_bound");
  return limits;
}

Platform::Platform(const std::string& data, const Settings& from, bool behind_gateway, Millis predecessor)
    : settings(from),
      addresses_known(!behind_gateway || !settings.text("http.trusted_proxies").empty()),
      store(data, clock, predecessor),
      core(store, clock, settings, product::render),
      hasher(thread_count(settings.number("users.hash_threads"), cores / 2)),
      sessions(store.accounts, store.tokens, denied, random, ids, clock, wall,
               user::SessionSettings{settings.duration("users.access_token_life"), store.refresh_key()}),
      sign_up(store.accounts, hasher, mailer, random, ids, clock, email_verification_of(settings)),
      provider(store.folder.file("payments.db"), store.pool, clock,
               [late = settings.duration("orders.payment_window") +
                       settings.duration("orders.attempt_bound") + Millis(1'000)](AttemptId) { return late; },
               {store.id.hi, store.id.lo,
                [this](std::string_view text) { return store.cipher.blind_index(text); }}),
      resolver(core.gate, provider, clock, background.executor(), resolver_limits(settings)),
      pay(core.gate, core.reader, provider, resolver_limits(settings).answer_max) {
  store.remember_keys();
  const auto denying = run_task(sessions.deny_ended());
  if (!denying) throw std::runtime_error(denying.error().detail);
  core.gate.add_follower(resolver);
  for (const sale::OpenPaymentFound& open : core.gate.open_payments())
    resolver.watch({open.order, open.attempt, open.refund});
}

void Platform::add_routes() {
  order::OrderSettings orders;
  orders.payment_window = settings.duration("orders.payment_window");
  orders.email_verification_required = email_verification_of(settings) == user::EmailVerification::required;
  user::add_user_routes(router, {authenticator, store.accounts, sign_up, sign_in, sessions, change_role,
                                 limiter, clock, addresses_known});
  product::add_product_routes(router,
                              {authenticator, core.products, core.gate, store.pictures, store.pool, clock});
  order::add_order_routes(
      router, {authenticator, core.gate, core.products, core.reader, pay, refusals, clock, orders});
  check_heads();
}

/// Whoever may not send a long body learns so before it is read. What is allowed is judged again by the
/// handler: between the two a session may end.
void Platform::check_heads() {
  const auto signed_in = [this](const http::Request& request) -> Result<> {
    const auto caller = authenticator.identify(request);
    if (!caller) return fail(caller.error());
    return {};
  };
  const auto sells = [this](const http::Request& request) -> Result<> {
    const auto caller = authenticator.require(request, {Role::seller, Role::admin});
    if (!caller) return fail(caller.error());
    return {};
  };
  for (const char* route :
       {"POST /api/v1/orders", "POST /api/v1/orders/{id}/payment", "POST /api/v1/orders/{id}/cancel",
        "POST /api/v1/orders/{id}/return", "PATCH /api/v1/users/me", "PUT /api/v1/users/me/password"})
    router.check_head(route, signed_in);
  for (const char* route : {"POST /api/v1/products", "PATCH /api/v1/products/{id}",
                            "POST /api/v1/products/{id}/stock", "PUT /api/v1/products/{id}/image"})
    router.check_head(route, sells);
}

void Platform::look_at_files() {
  if (const bool fail = !provider.usable(); fail != payments_fail.exchange(fail)) {
    if (fail)
      spdlog::error("payments.db cannot be written: no order can be paid");
    else
      spdlog::info("payments.db can be written again");
  }
  const bool gone = !store.fold.files_in_place() || !sqlite::is_in_place(*store.main);
  if (gone == files_gone.exchange(gone)) return;
  if (gone)
    spdlog::error(
        "records.db or main.db was deleted, moved away or made read-only; nothing is written to it");
  else
    spdlog::info("records.db and main.db are back");
}

void Platform::create_admin() {
  const char* email = std::getenv("MARKET_ADMIN_EMAIL");
  const char* password = std::getenv("MARKET_ADMIN_PASSWORD");
  const bool has_email = email && *email != '\0', has_password = password && *password != '\0';
  if (has_email != has_password)
    throw UsageError("MARKET_ADMIN_EMAIL and MARKET_ADMIN_PASSWORD must be set together");
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
  text.family("market_sql_waiting", "gauge", "Reads and writes waiting for SQL.")
      .sample(static_cast<std::uint64_t>(std::max(0, store.pool.waiting())));
  platform::add_process_metrics(text);
  return text.text();
}

constexpr std::chrono::milliseconds leave_pause{200};
/// Nothing could be sold for so long: whoever shares out requests should ask another one.
constexpr Millis unable_max{2'000};

/// SIGHUP. The other settings of a store are read at its start alone.
void reload_keys(Store& store) {
  try {
    spdlog::info("token keys were read again: {} signs", store.reload_keys());
  } catch (const std::exception& mistake) {
    spdlog::error("the token keys were not read, the old ones stay: {}", mistake.what());
  }
}

/// The embedded store with its three services; `with_gateway`: also the documents and pages of the platform.
int serve_store(const ServeOptions& options, const Settings& settings, bool with_gateway) {
  const Address address = listen_address(options, settings);
  StopSignals signals;
  ReloadSignal reload_signal;
  const int inherited =
      options.takeover ? request_handover(options.data, store_handover_socket) : activated_socket();
  const Millis predecessor =
      options.takeover ? settings.duration("http.drain_time_max") + Millis(5'000) : Millis(0);

  AccessLogWriter access_log(settings, with_gateway ? "market" : "market-services");
  Platform platform(options.data, settings, !with_gateway, predecessor);
  if (!platform.addresses_known && settings.flag("ratelimit.enabled"))
    spdlog::warn(
        "http.trusted_proxies is empty: guesses are counted by account alone, as their addresses "
        "are those of gateways; name the gateways there");
  platform.add_routes();
  std::unique_ptr<http::Server> server;
  std::unique_ptr<eureka::RegistryClient> discovery;
  std::atomic<bool> leaving{false};
  platform::PlatformInfo info;
  info.not_ready = [&]() -> std::optional<std::string> {
    if (leaving.load()) return "the server is stopping";
    if (auto why = platform.core.stands_by()) return why;
    if (platform.core.products.recovering()) return "the event log is being restored";
    if (platform.core.gate.unable_for() >= unable_max)
      return "nothing can be sold: the disk of the event log is full or hangs";
    if (platform.files_gone.load()) return "a database file was moved away or made read-only";
    if (platform.payments_fail.load()) return "payments.db cannot be written";
    return std::nullopt;
  };
  info.metrics = [&] {
    platform::MetricsText text;
    add_registry_client_metrics(*discovery, text);
    add_access_log_metrics(access_log, text);
    return platform.metrics(*server) + text.text();
  };
  info.info = [&] {
    return fmt::format(R"({{"name":"market","version":"{}","role":"{}","pid":{},"logPosition":{}}})",
                       MARKET_VERSION, with_gateway ? "all" : "user,product,order", ::getpid(),
                       platform.core.gate.place());
  };
  info.management_elsewhere = !settings.text("management.listen").empty();
  if (with_gateway)
    platform::add_platform_routes(platform.router, info);
  else
    platform::add_service_routes(platform.router, info);
  const unsigned threads = thread_count(settings.number("http.threads"), platform.cores);
  server = std::make_unique<http::Server>(platform.router, platform.clock, limits_of(settings), threads);
  server->set_access_log(access_log);
  if (inherited >= 0)
    server->adopt(inherited);
  else
    server->listen(address.host, address.port);

  platform.core.gate.start();
  platform.core.settle();
  platform.create_admin();
  if (options.demo && !platform.core.stands_by())
    fill_with_demo(platform.core.products, platform.core.gate, platform.clock);
  std::atomic<bool> handed_over{false};
  HandoverSocket handover(options.data, store_handover_socket, server->listening_fd(), [&] {
    handed_over.store(true);
    server->stop(true);
  });
  discovery = registry_client_of(settings, platform.clock, {"market-user", "market-product", "market-order"},
                                 server->port());
  const auto management = management_server_of(settings, info, platform.clock);
  std::optional<StandbyRegistration> standby;
  if (platform.core.shared_log)
    standby.emplace(*discovery, [&] { return platform.core.stands_by().has_value(); });
  signals.watch([&] {
    leaving.store(true);
    if (standby) standby->stop();
    const bool known = discovery->state().registered;
    discovery->withdraw();
    // Those who are told of changes stop asking us now; a closed socket would cost them a retry.
    if (known) std::this_thread::sleep_for(leave_pause);
    server->stop();
  });
  reload_signal.watch([&platform] { reload_keys(platform.store); });
  Housekeeping housekeeping(platform.clock,
                            {[&](Instant) { platform.denied.forget_ended(platform.wall.now()); },
                             [&](Instant) { platform.look_at_files(); }});

  raise_file_limit(settings);
  announce(fmt::format("market is ready: http://{}:{} (data: {}, {} threads)", host_in_url(address.host),
                       server->port(), options.data, threads));
  discovery->start();
  server->run();
  if (standby) standby->stop();
  if (!handed_over.load()) discovery->leave();  // The successor has the same address: it stays registered.
  signals.end();
  reload_signal.end();
  platform.stop();
  return 0;
}

}  // namespace

int serve(const ServeOptions& options) {
  const Settings settings = read_settings(options.settings);
  const ServeRole role = parse_role(options.role);
  const bool has_store = role == ServeRole::all || role == ServeRole::services;
  if (!has_store && options.demo)
    throw UsageError(fmt::format("--role {}: --demo needs a store", options.role));
  check_settings(settings, options.settings.config);
  listen_address(options, settings);
  const Logging logging(settings);
  if (const auto& old = settings.old_names_used(); !old.empty()) {
    std::vector<std::string> names;
    for (const OldName& each : old) names.push_back(fmt::format("{} is {}", each.old, each.now));
    spdlog::warn("old names of settings: {}", fmt::join(names, ", "));
  }
  if (const auto idle = settings_without_effect(settings, role); !idle.empty())
    spdlog::warn("--role {}: without effect here: {}", options.role, fmt::join(idle, ", "));
  switch (role) {
    case ServeRole::registry:
      return serve_registry(options, settings);
    case ServeRole::gateway:
      return serve_gateway(options, settings);
    case ServeRole::services:
      return serve_store(options, settings, false);
    case ServeRole::all:
      return serve_store(options, settings, true);
  }
  return 2;
}

}  // namespace market::apps
