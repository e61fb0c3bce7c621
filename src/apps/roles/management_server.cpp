#include "apps/roles/management_server.hpp"

#include "apps/roles/serve_parts.hpp"

namespace market::apps {
namespace {

http::Router routes_of(const platform::PlatformInfo& info) {
  http::Router router;
  platform::add_health_routes(router, info);
  platform::add_management_routes(router, info);
  return router;
}

/// Scrapers come once in a while: nobody waits for them at the end.
http::Limits management_limits() {
  http::Limits limits;
  limits.connections_max = 256;
  limits.drain_time_max = Millis(500);
  return limits;
}

}  // namespace

ManagementServer::ManagementServer(const std::string& host, std::uint16_t port,
                                   const platform::PlatformInfo& info, const Clock& clock)
    : router_(routes_of(info)), server_(router_, clock, management_limits(), 1) {
  server_.listen(host, port);
  thread_ = std::thread([this] { server_.run(); });
}

ManagementServer::~ManagementServer() {
  server_.stop();
  thread_.join();
}

std::unique_ptr<ManagementServer> management_server_of(const Settings& settings,
                                                       const platform::PlatformInfo& info,
                                                       const Clock& clock) {
  const std::string listen = settings.text("management.listen");
  if (listen.empty()) return nullptr;
  const Address at = parse_address("management.listen", listen);
  return std::make_unique<ManagementServer>(at.host, at.port, info, clock);
}

}  // namespace market::apps
