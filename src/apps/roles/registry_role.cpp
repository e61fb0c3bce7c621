#include "apps/roles/registry_role.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>

#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/file_limit.hpp"
#include "apps/roles/handover.hpp"
#include "apps/roles/management_server.hpp"
#include "apps/roles/registry_parts.hpp"
#include "apps/roles/serve_parts.hpp"
#include "http/message/host_address.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {
namespace {

/// Of the thousand readers of its changes: no address takes them from the others.
constexpr std::size_t streams_per_address_max = 250;

}  // namespace

int serve_registry(const ServeOptions& options, const Settings& settings) {
  const Address address = listen_address(options, settings);
  const std::string handover = handover_socket_name("registry", address.port);
  if (options.takeover) expect_handover(options.data, handover);
  StopSignals signals;
  ReloadSignal reload_signal;
  const SystemClock clock;
  AccessLogWriter access_log(settings, "market-registry");
  RegistryParts parts(settings, clock, address.host, address.port);

  http::Router router;
  std::unique_ptr<http::Server> server;
  platform::PlatformInfo info;
  info.home = "/registry";
  info.not_ready = [&] { return parts.not_ready(); };
  info.metrics = [&] {
    platform::MetricsText text;
    parts.add_metrics(text);
    add_http_metrics(*server, text);
    add_access_log_metrics(access_log, text);
    platform::add_process_metrics(text);
    return text.text();
  };
  info.info = [] { return info_text("registry"); };
  info.management_elsewhere = !settings.text("management.listen").empty();
  parts.add_routes(router);
  platform::add_platform_routes(router, info);
  const unsigned threads = thread_count(settings.number("http.threads"), std::thread::hardware_concurrency());
  auto limits = limits_of(settings);
  if (limits.streams_per_address_max > 0) limits.streams_per_address_max = streams_per_address_max;
  raise_file_limit(limits, false);
  server = std::make_unique<http::Server>(router, clock, limits, threads);
  server->set_access_log(access_log);
  if (options.takeover) parts.learn_from(address.host, address.port);
  auto management =
      management_server_of(settings, info, clock, options.takeover ? AddressTaken::wait : AddressTaken::fail);
  if (options.takeover) {
    const auto given = request_handover(options.data, handover);
    for (const int socket : given.sockets) server->adopt(socket);
    given.confirm();
  } else {
    const auto activated = activated_sockets();
    for (const int socket : activated) server->adopt(socket);
    if (activated.empty()) server->listen(address.host, address.port);
  }
  const auto offered = offer_handover(options.data, handover_socket_name("registry", server->port()),
                                      server->listening_fds(), [&] {
                                        server->stop(true);
                                        management.reset();  // The successor waits for its address.
                                      });
  parts.start();
  signals.watch([&] { server->stop(); });
  reload_signal.watch([] { spdlog::info("SIGHUP: a registry reads its settings at its start alone"); });
  warn_of_few_files(settings, limits);
  announce(fmt::format("market is ready: http://{}:{} (role: registry, {} threads)",
                       http::host_in_url(address.host), server->port(), threads));
  server->run();
  signals.end();
  reload_signal.end();
  return 0;
}

}  // namespace market::apps
