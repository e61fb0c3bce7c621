// `market serve`: assembly on one page. Plain references, made in order, gone in reverse.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "adapters/mysql/schema.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/demo.hpp"
#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/file_limit.hpp"
#include "apps/roles/front_door.hpp"
#include "apps/roles/gateway_role.hpp"
#include "apps/roles/handover.hpp"
#include "apps/roles/housekeeping.hpp"
#include "apps/roles/management_server.hpp"
#include "apps/roles/platform.hpp"
#include "apps/roles/registry_client_of.hpp"
#include "apps/roles/registry_role.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/trusted_gateways.hpp"
#include "apps/settings/gateway_files.hpp"
#include "apps/settings/settings_check.hpp"
#include "http/message/host_address.hpp"
#include "http/server/server.hpp"
#include "services/auth/routes.hpp"
#include "services/gateway/prober.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {
namespace {

constexpr Millis leave_pause{200};
/// Nothing could be sold for so long: whoever shares out requests should ask another one.
constexpr Millis unable_max{2'000};
constexpr Millis accounts_away_max{5'000};

/// SIGHUP. The other settings of a store are read at its start alone.
void reload_keys(Store& store) {
  try {
    spdlog::info("token keys were read again: {} signs", store.reload_keys());
  } catch (const std::exception& mistake) {
    spdlog::error("the token keys were not read, the old ones stay: {}", mistake.what());
  }
}

void fill_demo(Platform& platform, const Address& address) {
  if (!platform.core->products.all()->empty()) return;
  UserId seller;
  if (address.host == "127.0.0.1" || address.host == "::1" || address.host == "localhost")
    seller = create_demo_accounts(platform.sign_up);
  else
    spdlog::warn("--demo makes its accounts, whose passwords everybody knows, for a loopback address alone");
  list_demo_products(platform.core->gate, platform.store.pictures, platform.clock, seller);
}

constexpr auto accounts_away = "the accounts' database is away: nobody signs in, pays or sees a cart";

/// Of rows that several instances share.
bool are_accounts_away(const Platform& platform) {
  return platform.denial_watch && platform.denial_watch->unread_for() >= accounts_away_max;
}

bool do_payments_fail(const Platform& platform) {
  return platform.orders && platform.orders->payments_fail.load();
}

/// All is stored; but librdkafka's clients may wait for brokers that are gone, and for ever (2.0.2).
void end_without_kafka() {
  constexpr std::chrono::seconds longest{5};
  std::thread([longest] {
    std::this_thread::sleep_for(longest);
    spdlog::warn("Kafka's clients do not end: the process ends without them");
    spdlog::default_logger()->flush();
    std::_Exit(0);
  }).detach();
}

std::string topic_trouble_of(const Platform& platform) {
  return platform.core && platform.core->shared_log ? platform.core->shared_log->topic_trouble() : "";
}

/// Why nobody should be sent here.
std::optional<std::string> trouble_of(const Platform& platform) {
  if (const auto* core = platform.core.get()) {
    if (auto why = core->hears_nothing()) return why;
    if (core->products.recovering()) return "the event log is being restored";
    if (core->gate.unable_for() >= unable_max)
      return "nothing can be sold: the disk of the event log is full or hangs";
  }
  // Where the log is too, buying goes on.
  if (!platform.core && are_accounts_away(platform)) return accounts_away;
  if (platform.files_gone.load()) return "a database file was moved away or made read-only";
  // A book that all share is away for all: they sell on, and it stands under the warnings.
  if (do_payments_fail(platform) && !platform.store.accounts_at) return "payments.db cannot be written";
  return std::nullopt;
}

std::vector<std::string> warnings_of(const Platform& platform) {
  auto warnings = platform.redis ? platform.redis->warnings() : std::vector<std::string>();
  if (are_accounts_away(platform))
    warnings.emplace_back(accounts_away);
  else if (do_payments_fail(platform) && platform.store.accounts_at)
    warnings.emplace_back("the charges in accounts.mysql cannot be written: no order can be paid");
  if (auto trouble = topic_trouble_of(platform); !trouble.empty()) warnings.push_back(std::move(trouble));
  return warnings;
}

/// market-user, when it is that alone.
std::string name_in_access_log(const Services& services, bool with_gateway) {
  const auto names = services.names();
  return with_gateway ? "market" : names.size() == 1 ? names.front() : "market-services";
}

/// Services on their store, embedded or shared; `with_gateway`: also the documents and pages of the platform.
int serve_store(const ServeOptions& options, const Settings& settings, bool with_gateway) {
  const Services services = services_of(options.role);
  const Address address = listen_address(options, settings);
  if (!is_shared(settings)) expect_no_instance(options.data);
  // Before any key is made, as the database of the accounts: an import could not bring its own then.
  if (const auto records = mysql_server(settings, "records"); records && services.follow_log())
    mysql::expect_no_restore(*records);
  StopSignals signals;
  ReloadSignal reload_signal;
  if (options.takeover) {
    expect_handover(options.data, store_handover_socket);
    verify_store(options.data,
                 keys_folder(settings, options.data));  // Before the running server gives anything up.
  }
  std::vector<int> inherited;
  if (options.takeover) {
    auto given = request_handover(options.data, store_handover_socket);
    given.confirm();  // Now: the running server lets go of the store only when it ends.
    inherited = std::move(given.sockets);
  } else {
    inherited = activated_sockets();
  }
  const Millis predecessor =
      options.takeover ? settings.duration("http.drain_time_max") + Millis(5'000) : Millis(0);

  AccessLogWriter access_log(settings, name_in_access_log(services, with_gateway));
  Platform platform(services, options.data, settings, !with_gateway, predecessor, options.demo);
  if (services.user && !platform.addresses_known && settings.text("registry.urls").empty())
    spdlog::warn(
        "http.trusted_proxies and registry.urls are empty: what a gateway in front says of its clients "
        "cannot be verified; it tells them apart, and limits hold by it");
  platform.add_routes();
  // The process that is all is its own front door.
  std::unique_ptr<FrontDoor> front;
  if (with_gateway)
    front = std::make_unique<FrontDoor>(settings, options.settings.config, true, &platform.authenticator,
                                        no_access_log(), platform.clock);
  if (front && platform.redis) front->share_limits(*platform.redis);
  std::unique_ptr<http::Server> server;
  std::unique_ptr<eureka::RegistryClient> discovery;
  std::atomic<bool> leaving{false};
  platform::PlatformInfo info;
  info.not_ready = [&]() -> std::optional<std::string> {
    if (leaving.load()) return "the server is stopping";
    return trouble_of(platform);
  };
  info.metrics = [&] {
    platform::MetricsText text;
    add_registry_client_metrics(*discovery, text);
    add_access_log_metrics(access_log, text);
    if (front) front->add_metrics(text);
    return platform.metrics(*server) + text.text();
  };
  info.info = [&] {
    return info_text(with_gateway ? "all" : options.role,
                     std::pair("logPosition", platform.core ? platform.core->gate.place() : 0));
  };
  info.warnings = [&] { return warnings_of(platform); };
  if (front) info.missing = [&] { return front->proxy.missing_services(); };
  info.services = [&] { return service_view_of(*discovery); };
  info.management_elsewhere = !settings.text("management.listen").empty();
  if (with_gateway)
    platform::add_platform_routes(platform.router, info);
  else
    platform::add_service_routes(platform.router, info);
  platform::add_operator_routes(platform.router, info,
                                auth::check_of(platform.authenticator, auth::Access::admins));
  if (front) front->stand_before(platform.router);
  const unsigned threads = thread_count(settings.number("http.threads"), platform.cores);
  auto limits = limits_of(settings);
  limits.trusted_are_gateways = !with_gateway;
  if (front) limits.streams_max = limits.streams_per_address_max = 0;  // The front door counts them.
  const bool secure = with_gateway && !settings.text("gateway.tls_certificate").empty();
  raise_file_limit(limits, secure);
  server = std::make_unique<http::Server>(platform.router, platform.clock, limits, threads);
  server->set_access_log(access_log);
  std::optional<gateway::Prober> prober;
  if (front) {
    server->set_tls(tls_of(settings));
    server->set_amend(
        [&](const http::Request& request, http::Reply& reply) { front->proxy.add_cors(request, reply); });
    prober.emplace(front->balancer, server->executor(0)).start();
  }
  for (const int socket : inherited) server->adopt(socket);
  if (inherited.empty()) server->listen(address.host, address.port);

  platform.start();
  if (options.demo && platform.core && platform.core->gate.writes()) fill_demo(platform, address);
  std::atomic<bool> handed_over{false};
  HandoverSocket handover(options.data, store_handover_socket, server->listening_fds(), [&] {
    handed_over.store(true);
    server->stop(true);
  });
  discovery = registry_client_of(settings, platform.clock, services.names(), server->port());
  if (front) front->discovery.follow(*discovery);
  const auto management = management_server_of(settings, info, platform.clock);
  signals.watch([&] {
    leaving.store(true);
    const bool known = discovery->state().registered;
    discovery->withdraw();
    // Those who are told of changes stop asking us now; a closed socket would cost them a retry.
    const Millis leave = settings.duration("http.leave_time");
    std::this_thread::sleep_for(known ? std::max(leave, leave_pause) : leave);
    server->stop();
  });
  reload_signal.watch([&] {
    reload_keys(platform.store);
    if (front) reload_front_door(options.settings, ServeRole::all, *front, *discovery, *server);
  });
  TrustedGateways gateways(
      networks_of(settings, "http.trusted_proxies"),
      http::AllowedAddresses(networks_of(settings, "registry.networks")), server->executor(0),
      [&](std::vector<http::Network> all) { server->set_trusted_proxies(std::move(all)); });
  Housekeeping housekeeping(platform.clock,
                            {[&](Instant) { platform.denied.forget_ended(platform.wall.now()); },
                             [&](Instant) { platform.look_at_files(); },
                             [&](Instant now) {
                               if (!front) gateways.look(*discovery->services(), now);
                             }});

  warn_of_few_files(settings, limits);
  announce(fmt::format("market is ready: {}://{}:{} (data: {}, {} threads)", secure ? "https" : "http",
                       http::host_in_url(address.host), server->port(), options.data, threads));
  discovery->start();
  server->run();
  if (!handed_over.load()) discovery->leave();  // The successor has the same address: it stays registered.
  signals.end();
  reload_signal.end();
  if (front && front->shared_rates) front->shared_rates->stop();
  platform.stop();
  if (platform.core && platform.core->shared_log) end_without_kafka();
  return 0;
}

bool pays_for_a_test(const ServeOptions& options, const Settings& settings, ServeRole role) {
  const bool store = role == ServeRole::all || role == ServeRole::services;
  return store && services_of(options.role).order && settings.text("payments.stripe_key_file").empty();
}

void refuse_tests(const ServeOptions& options, const Settings& settings, ServeRole role) {
  if (options.demo) throw UsageError("--demo: is refused with --production");
  if (!settings.text("orders.failpoint").empty())
    throw UsageError(
        settings.located("orders.failpoint: is refused with --production: it ends the process on purpose"));
  if (pays_for_a_test(options, settings, role))
    throw UsageError(
        settings.located("payments.stripe_key_file: empty is refused with --production: it is the "
                         "built-in test provider, and whoever sends it the token ok has paid"));
}

}  // namespace

int serve(const ServeOptions& options) {
  const Settings settings = read_settings(options.settings);
  const ServeRole role = parse_role(options.role);
  const bool has_store = role == ServeRole::all || role == ServeRole::services;
  if (!has_store && options.demo)
    throw UsageError(fmt::format("--role {}: --demo needs a store", options.role));
  check_settings(settings, options.settings.config, role);
  if (options.production) refuse_tests(options, settings, role);
  if (role == ServeRole::services) expect_shared(settings, services_of(options.role));
  if (has_store) expect_files(settings, services_of(options.role));
  listen_address(options, settings);
  if (options.check) {
    for (const auto& idle : settings_without_effect(settings, role))
      announce(fmt::format("{}: without effect in this role", idle));
    announce("the settings can be used");
    return 0;
  }
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
