#include "apps/roles/gateway_role.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/file_limit.hpp"
#include "apps/roles/front_door.hpp"
#include "apps/roles/handover.hpp"
#include "apps/roles/management_server.hpp"
#include "apps/roles/redis_parts.hpp"
#include "apps/roles/registry_client_of.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/token_keys.hpp"
#include "apps/settings/gateway_files.hpp"
#include "apps/settings/settings_check.hpp"
#include "http/message/host_address.hpp"
#include "http/server/server.hpp"
#include "services/gateway/ended_sessions_watch.hpp"
#include "services/gateway/prober.hpp"
#include "services/gateway/proxy.hpp"
#include "services/platform/metrics_text.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {
namespace {

/// How long a start waits for the first list of instances; without one it serves all the same.
constexpr Millis first_list_max{5'000};

std::string metrics_of(const http::Server& server, const FrontDoor& front) {
  platform::MetricsText text;
  add_http_metrics(server, text);
  front.add_metrics(text);
  platform::add_process_metrics(text);
  return text.text();
}

/// Whoever stands behind such a route may not check whether a session has ended.
bool needs_sessions(const gateway::Proxy& proxy) {
  const auto config = proxy.config();
  return std::any_of(config->routes.begin(), config->routes.end(),
                     [](const gateway::Route& route) { return route.authenticated; });
}

}  // namespace

int serve_gateway(const ServeOptions& options, const Settings& settings) {
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
  AccessLogWriter access_log(settings, "market-gateway");
  const auto redis = redis_of(settings);  // Outlives what shares limits through it.
  FrontDoor front(settings, options.settings.config, false, tokens.authenticator(), access_log, clock);
  front.discovery.follow(*registry);
  if (redis) front.share_limits(*redis);
  gateway::Proxy& proxy = front.proxy;
  tokens.wait_for_file(proxy);

  http::Router router;
  std::unique_ptr<http::Server> server;
  platform::PlatformInfo info;
  std::atomic<bool> leaving{false};
  info.not_ready = [&leaving, &tokens]() -> std::optional<std::string> {
    if (leaving.load()) return "the gateway is stopping";
    return tokens.missing();
  };
  std::optional<gateway::EndedSessionsWatch> ended_sessions;
  info.warnings = [&registry, &redis, &ended_sessions] {
    auto warnings = registry->services()->left_out;
    if (auto unknown = ended_sessions->warning()) warnings.push_back(std::move(*unknown));
    if (redis)
      for (auto& warning : redis->warnings()) warnings.push_back(std::move(warning));
    return warnings;
  };
  info.missing = [&proxy] { return proxy.missing_services(); };
  info.metrics = [&] {
    platform::MetricsText text;
    add_registry_client_metrics(*registry, text);
    add_access_log_metrics(access_log, text);
    if (redis) redis->add_metrics(text);
    return metrics_of(*server, front) + text.text();
  };
  info.info = [&] {
    return info_text("gateway",
                     std::pair("routes", static_cast<std::int64_t>(proxy.config()->routes.size())));
  };
  info.management_elsewhere = !settings.text("management.listen").empty();
  platform::add_platform_routes(router, info);
  front.stand_before(router);
  const unsigned threads =
      thread_count(settings.number("http.threads"), std::max(1u, std::thread::hardware_concurrency()));
  auto limits = limits_of(settings);
  limits.trusted_proxies.clear();  // The proxy looks itself: its list can be reloaded, and it names each hop.
  limits.streams_max = limits.streams_per_address_max = 0;  // It counts them itself.
  limits.is_uncapped = [&proxy](std::string_view address) { return proxy.config()->trusts(address); };
  const bool secure = tls != nullptr;
  raise_file_limit(limits, secure);
  server = std::make_unique<http::Server>(router, clock, limits, threads);
  server->set_tls(std::move(tls));
  server->set_access_log(access_log);  // Of what it answers itself.
  server->set_amend(
      [&proxy](const http::Request& request, http::Reply& reply) { proxy.add_cors(request, reply); });
  const auto activated = options.takeover ? std::vector<int>() : activated_sockets();
  if (!options.takeover && activated.empty()) server->listen(address.host, address.port);
  gateway::Prober prober(front.balancer, server->executor(0));
  prober.start();
  ended_sessions.emplace(
      gateway::EndedSessionsWatch::Parts{
          front.balancer, tokens.denied(), tokens.wall(),
          [&] { return needs_sessions(proxy) ? tokens.key_holder_token() : ""; }},
      server->executor(0));
  ended_sessions->start();
  auto management =
      management_server_of(settings, info, clock, options.takeover ? AddressTaken::wait : AddressTaken::fail);
  signals.watch([&] {
    leaving.store(true);
    registry->withdraw();
    std::this_thread::sleep_for(settings.duration("http.leave_time"));
    server->stop();
  });
  reload_signal.watch([&] {
    reload_front_door(options.settings, ServeRole::gateway, front, *registry, *server,
                      [&](const Settings& next) { tokens.reload(next, proxy); });
  });

  registry->start();
  registry->wait_for_list(first_list_max);
  // As late as can be: from here until run() those who connect wait.
  if (options.takeover) {
    const auto given = request_handover(options.data, handover);
    for (const int socket : given.sockets) server->adopt(socket);
    given.confirm();
  }
  for (const int socket : activated) server->adopt(socket);
  std::atomic<bool> handed_over{false};
  const auto offered = offer_handover(options.data, handover_socket_name("gateway", server->port()),
                                      server->listening_fds(), [&] {
                                        handed_over.store(true);
                                        server->stop(true);
                                        management.reset();  // The successor waits for its address.
                                      });
  warn_of_few_files(settings, limits);
  announce(fmt::format("market is ready: {}://{}:{} (gateway, {} routes, {} threads)",
                       secure ? "https" : "http", http::host_in_url(address.host), server->port(),
                       proxy.config()->routes.size(), threads));
  server->run();
  if (!handed_over.load()) registry->leave();  // The successor has the same address: it stays registered.
  signals.end();
  reload_signal.end();
  return 0;
}

}  // namespace market::apps
