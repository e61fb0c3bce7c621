#include "apps/roles/gateway_role.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <thread>

#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/handover.hpp"
#include "apps/roles/management_server.hpp"
#include "apps/roles/registry_client_of.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/token_keys.hpp"
#include "apps/settings/gateway_files.hpp"
#include "apps/settings/gateway_settings.hpp"
#include "apps/settings/settings_check.hpp"
#include "base/random.hpp"
#include "http/server/server.hpp"
#include "services/gateway/prober.hpp"
#include "services/gateway/proxy.hpp"
#include "services/platform/metrics_text.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {
namespace {

/// How long a start waits for the first list of instances; without one it serves all the same.
constexpr Millis first_list_max{5'000};

/// Tells this process from every other gateway that a request may pass.
std::string random_name() {
  return fmt::format("{:016x}", random_number());
}

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
  counter("market_gateway_shared_streams_total", "Event streams that joined another's.",
          counts.shared_streams.load());
  counter("market_gateway_failures_total", "No instance answered well.", counts.failures.load());
  text.family("market_gateway_in_flight", "gauge", "Requests under way.")
      .sample(static_cast<std::uint64_t>(std::max<std::int64_t>(0, proxy.in_flight())));
  text.family("market_gateway_streams", "gauge", "Event streams that are open.")
      .sample(std::uint64_t{proxy.open_streams()});
  text.family("market_gateway_route_in_flight", "gauge", "Requests under way, by route.");
  const auto config = proxy.config();
  for (const auto& route : config->routes)
    text.sample(static_cast<std::uint64_t>(std::max<std::int64_t>(0, route.state->in_flight.load())),
                platform::label("route", route.id));
  text.family("market_gateway_breaker_open", "gauge", "1: the route's circuit breaker is open.");
  for (const auto& route : config->routes)
    text.sample(std::uint64_t{route.state->is_open() ? 1u : 0u}, platform::label("route", route.id));
  // One series for an address, however often it is listed: a scraper refuses the whole page otherwise.
  struct Sums {
    std::uint64_t requests = 0, faults = 0, ejected = 0;
  };
  std::map<std::string, Sums> instances;
  for (const auto& instance : balancer.all()) {
    auto& sums = instances[platform::label("service", instance->service) + ',' +
                           platform::label("instance", fmt::format("{}:{}", instance->host, instance->port))];
    sums.requests += instance->requests.load();
    sums.faults += instance->faults.load();
    if (instance->is_ejected()) sums.ejected = 1;
  }
  text.family("market_gateway_instance_requests_total", "counter", "Requests sent to the instance.");
  for (const auto& [name, sums] : instances) text.sample(sums.requests, name);
  text.family("market_gateway_instance_faults_total", "counter", "Failures of the instance.");
  for (const auto& [name, sums] : instances) text.sample(sums.faults, name);
  text.family("market_gateway_instance_ejected", "gauge", "1: gets no requests.");
  for (const auto& [name, sums] : instances) text.sample(sums.ejected, name);
  platform::add_process_metrics(text);
  return text.text();
}

/// A route that is still there keeps its counts and its breaker.
void keep_states(gateway::GatewayConfig& next, const gateway::GatewayConfig& before) {
  for (auto& route : next.routes)
    for (const auto& old : before.routes)
      if (old.id == route.id) route.state = old.state;
}

/// Where instances may be. Those that settings have replaced stay: requests under way and connections know
/// them by address.
class AllowedByRegistry {
 public:
  explicit AllowedByRegistry(const Settings& settings) { read(settings); }
  const http::AllowedAddresses& current() const { return all_.back(); }
  void read(const Settings& settings) {
    std::string networks = settings.text("registry.networks");
    if (!all_.empty() && networks == networks_) return;
    all_.emplace_back(networks_of(settings, "registry.networks"));
    networks_ = std::move(networks);
  }

 private:
  std::string networks_;
  std::deque<http::AllowedAddresses> all_;
};

std::string preferred_zone(const Settings& settings) {
  return settings.flag("gateway.prefer_same_zone") ? settings.text("registry.zone") : std::string();
}

/// What a reload reaches.
struct Reloaded {
  TokenKeys& tokens;
  gateway::Proxy& proxy;
  SettingsDiscovery& discovery;
  eureka::RegistryClient& registry;
  gateway::Balancer& balancer;
  AllowedByRegistry& allowed;
};

void reload(const SettingSources& sources, const Reloaded& parts, http::Server& server) {
  try {
    const Settings settings = read_settings(sources);
    check_settings(settings, sources.config);
    auto next = read_gateway_settings(settings, sources.config);
    auto tls = tls_of(settings);
    parts.tokens.reload(settings, parts.proxy);
    const auto before = parts.proxy.config();
    keep_states(next.config, *before);
    const auto changed = differences(*before, next.config);
    parts.allowed.read(settings);
    parts.registry.apply(settings.text("registry.zone"), parts.allowed.current());
    parts.balancer.apply(preferred_zone(settings), &parts.allowed.current());
    parts.discovery.set(next.instances);
    server.set_tls(std::move(tls));
    parts.proxy.apply(std::make_shared<const gateway::GatewayConfig>(std::move(next.config)));
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
  TokenKeys tokens(settings);

  // A port that the system picks is known too late to be registered.
  std::vector<std::string> registered_as;
  if (address.port != 0) registered_as.emplace_back("market-gateway");
  const auto registry = registry_client_of(settings, clock, std::move(registered_as), address.port);
  SettingsDiscovery discovery(registry.get());
  discovery.set(read.instances);
  AllowedByRegistry allowed(settings);
  gateway::BalancerSettings balancing;
  balancing.zone = preferred_zone(settings);
  balancing.allowed = &allowed.current();
  gateway::Balancer balancer(discovery, balancing);
  AccessLogWriter access_log(settings, "market-gateway");
  gateway::Proxy proxy({balancer, tokens.authenticator(), access_log, clock},
                       std::make_shared<const gateway::GatewayConfig>(std::move(read.config)), random_name());
  tokens.wait_for_file(proxy);

  http::Router router;
  std::unique_ptr<http::Server> server;
  platform::PlatformInfo info;
  std::atomic<bool> leaving{false};
  info.not_ready = [&leaving, &tokens]() -> std::optional<std::string> {
    if (leaving.load()) return "the gateway is stopping";
    return tokens.missing();
  };
  info.warnings = [&registry] { return registry->services()->left_out; };
  info.missing = [&proxy] { return proxy.missing_services(); };
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
  limits.is_uncapped = [&proxy](std::string_view address) { return proxy.config()->trusts(address); };
  server = std::make_unique<http::Server>(router, clock, limits, threads);
  const bool secure = tls != nullptr;
  server->set_tls(std::move(tls));
  server->set_amend(
      [&proxy](const http::Request& request, http::Reply& reply) { proxy.add_cors(request, reply); });
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
  const Reloaded parts{tokens, proxy, discovery, *registry, balancer, allowed};
  reload_signal.watch([&] { reload(options.settings, parts, *server); });

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
