#include "apps/roles/gateway_role.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/handover.hpp"
#include "apps/roles/management_server.hpp"
#include "apps/roles/registry_client_of.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/settings/gateway_files.hpp"
#include "apps/settings/gateway_settings.hpp"
#include "apps/settings/settings_check.hpp"
#include "http/server/server.hpp"
#include "services/gateway/prober.hpp"
#include "services/gateway/proxy.hpp"
#include "services/platform/metrics_text.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {
namespace {

/// How long a start waits for the first list of instances; without one it serves all the same.
constexpr Millis first_list_max{5'000};

/// Checks tokens when the roles share their keys with us.
struct TokenCheck {
  explicit TokenCheck(std::vector<wire::SigningKey> keys) : tokens(std::move(keys)) {}
  wire::AccessTokens tokens;
  auth::DeniedSessions denied;  ///< Kept by the services: each checks again.
  WallClock wall;
  auth::Authenticator authenticator{tokens, denied, wall};
};

std::string metrics_of(const http::Server& server, const gateway::Proxy& proxy,
                       const gateway::Balancer& balancer) {
  platform::MetricsText text;
  add_http_metrics(server, text);
  const auto& counts = proxy.counts();
  const auto counter = [&text](const char* name, const char* help, std::uint64_t value) {
    text.family(name, "counter", help).sample(value);
  };
  counter("market_gateway_forwarded_total", "Requests sent on.", counts.forwarded.load());
  counter("market_gateway_retries_total", "Tries after the first.", counts.retries.load());
  counter("market_gateway_shed_total", "Refused for lack of room.", counts.shed.load());
  counter("market_gateway_rate_limited_total", "Refused by a rate limit.", counts.rate_limited.load());
  counter("market_gateway_coalesced_total", "Answered with another's answer.", counts.coalesced.load());
  counter("market_gateway_failures_total", "No instance answered well.", counts.failures.load());
  text.family("market_gateway_in_flight", "gauge", "Requests under way.")
      .sample(static_cast<std::uint64_t>(std::max<std::int64_t>(0, proxy.in_flight())));
  text.family("market_gateway_route_in_flight", "gauge", "Requests under way, by route.");
  const auto config = proxy.config();
  for (const auto& route : config->routes)
    text.sample(static_cast<std::uint64_t>(std::max<std::int64_t>(0, route.state->in_flight.load())),
                platform::label("route", route.id));
  text.family("market_gateway_breaker_open", "gauge", "1: the route's circuit breaker is open.");
  for (const auto& route : config->routes)
    text.sample(std::uint64_t{route.state->is_broken() ? 1u : 0u}, platform::label("route", route.id));
  const auto instances = balancer.all();
  const auto name_of = [](const gateway::Instance& instance) {
    return platform::label("service", instance.service) + ',' +
           platform::label("instance", fmt::format("{}:{}", instance.host, instance.port));
  };
  text.family("market_gateway_instance_requests_total", "counter", "Requests sent to the instance.");
  for (const auto& instance : instances) text.sample(instance->requests.load(), name_of(*instance));
  text.family("market_gateway_instance_faults_total", "counter", "Failures of the instance.");
  for (const auto& instance : instances) text.sample(instance->faults.load(), name_of(*instance));
  text.family("market_gateway_instance_ejected", "gauge", "1: gets no requests.");
  for (const auto& instance : instances)
    text.sample(std::uint64_t{instance->is_ejected() ? 1u : 0u}, name_of(*instance));
  platform::add_process_metrics(text);
  return text.text();
}

/// A route that is still there keeps its counts and its breaker.
void keep_states(gateway::GatewayConfig& next, const gateway::GatewayConfig& before) {
  for (auto& route : next.routes)
    for (const auto& old : before.routes)
      if (old.id == route.id) route.state = old.state;
}

void reload(const SettingSources& sources, TokenCheck* tokens, gateway::Proxy& proxy,
            SettingsDiscovery& discovery, http::Server& server) {
  try {
    const Settings settings = read_settings(sources);
    check_settings(settings, sources.config);
    auto next = read_gateway_settings(settings, sources.config);
    auto tls = tls_of(settings);
    auto keys = token_keys_of(settings);
    if (tokens && !keys.empty()) tokens->tokens.replace(std::move(keys));
    const auto before = proxy.config();
    keep_states(next.config, *before);
    const auto changed = differences(*before, next.config);
    discovery.set(next.instances);
    server.set_tls(std::move(tls));
    proxy.apply(std::make_shared<const gateway::GatewayConfig>(std::move(next.config)));
    spdlog::info("settings were read again: {} differences", changed.size());
    for (const auto& line : changed) spdlog::info("settings: {}", line);
  } catch (const std::exception& mistake) {
    spdlog::error("the settings were not applied, the old ones stay: {}", mistake.what());
  }
}

}  // namespace

int serve_gateway(const ServeOptions& options, const Settings& settings) {
  auto read = read_gateway_settings(settings, options.settings.config);
  auto tls = tls_of(settings);
  const Address address = listen_address(options, settings);
  const std::string handover = handover_socket_name("gateway", address.port);
  if (options.takeover) expect_handover(options.data, handover);
  StopSignals signals;
  ReloadSignal reload_signal;
  const SystemClock clock;
  std::unique_ptr<TokenCheck> tokens;
  if (auto keys = token_keys_of(settings); !keys.empty())
    tokens = std::make_unique<TokenCheck>(std::move(keys));

  // A port that the system picks is known too late to be registered.
  std::vector<std::string> registered_as;
  if (address.port != 0) registered_as.emplace_back("market-gateway");
  const auto registry = registry_client_of(settings, clock, std::move(registered_as), address.port);
  SettingsDiscovery discovery(registry.get());
  discovery.set(read.instances);
  const http::AllowedAddresses allowed(networks_of(settings, "registry.networks"));
  gateway::BalancerSettings balancing;
  if (settings.flag("gateway.prefer_same_zone")) balancing.zone = settings.text("registry.zone");
  balancing.allowed = &allowed;
  gateway::Balancer balancer(discovery, balancing);
  AccessLogWriter access_log(settings, "market-gateway");
  gateway::Proxy proxy({balancer, tokens ? &tokens->authenticator : nullptr, access_log, clock},
                       std::make_shared<const gateway::GatewayConfig>(std::move(read.config)));

  http::Router router;
  std::unique_ptr<http::Server> server;
  platform::PlatformInfo info;
  std::atomic<bool> leaving{false};
  info.not_ready = [&leaving]() -> std::optional<std::string> {
    if (leaving.load()) return "the gateway is stopping";
    return std::nullopt;
  };
  info.metrics = [&] {
    platform::MetricsText text;
    add_registry_client_metrics(*registry, text);
    add_access_log_metrics(access_log, text);
    return metrics_of(*server, proxy, balancer) + text.text();
  };
  info.info = [&] {
    return fmt::format(R"({{"name":"market","version":"{}","role":"gateway","pid":{},"routes":{}}})",
                       MARKET_VERSION, ::getpid(), proxy.config()->routes.size());
  };
  info.management_elsewhere = !settings.text("management.listen").empty();
  platform::add_platform_routes(router, info);
  router.set_fallback([&proxy](const http::Request& request) { return proxy.handle(request); },
                      proxy.options());
  const unsigned threads =
      thread_count(settings.number("http.threads"), std::max(1u, std::thread::hardware_concurrency()));
  auto limits = limits_of(settings);
  limits.trusted_proxies.clear();  // The proxy looks itself: its list can be reloaded, and it names each hop.
  server = std::make_unique<http::Server>(router, clock, limits, threads);
  const bool secure = tls != nullptr;
  server->set_tls(std::move(tls));
  int inherited = activated_socket();
  if (!options.takeover && inherited < 0) server->listen(address.host, address.port);
  gateway::Prober prober(balancer, server->executor(0));
  prober.start();
  const auto management = management_server_of(settings, info, clock);
  signals.watch([&] {
    leaving.store(true);
    registry->withdraw();
    server->stop();
  });
  reload_signal.watch([&] { reload(options.settings, tokens.get(), proxy, discovery, *server); });

  registry->start();
  registry->wait_for_list(first_list_max);
  // As late as can be: from here until run() those who connect wait.
  if (options.takeover) inherited = request_handover(options.data, handover);
  if (inherited >= 0) server->adopt(inherited);
  std::atomic<bool> handed_over{false};
  const auto offered = offer_handover(options.data, handover_socket_name("gateway", server->port()),
                                      server->listening_fd(), [&] {
                                        handed_over.store(true);
                                        server->stop(true);
                                      });
  raise_file_limit(settings);
  announce(fmt::format("market is ready: {}://{}:{} (gateway, {} routes, {} threads)",
                       secure ? "https" : "http", host_in_url(address.host), server->port(),
                       proxy.config()->routes.size(), threads));
  server->run();
  if (!handed_over.load()) registry->leave();  // The successor has the same address: it stays registered.
  signals.end();
  reload_signal.end();
  return 0;
}

}  // namespace market::apps
