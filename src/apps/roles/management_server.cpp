#include "apps/roles/management_server.hpp"

#include <spdlog/spdlog.h>

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
                                   const platform::PlatformInfo& info, const Clock& clock, AddressTaken taken)
    : router_(routes_of(info)), server_(router_, clock, management_limits(), 1) {
  if (taken == AddressTaken::fail) server_.listen(host, port);
  thread_ = std::thread([this, host, port, taken] {
    if (taken == AddressTaken::fail || listen_when_free(host, port)) server_.run();
  });
}

bool ManagementServer::listen_when_free(const std::string& host, std::uint16_t port) {
  constexpr Millis look_again{50};
  for (bool told = false;; told = true) {
    try {
      server_.listen(host, port);
      return true;
    } catch (const std::runtime_error& error) {
      if (!told) spdlog::info("management.listen: waiting for its address: {}", error.what());
    }
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, look_again, [this] { return stopped_; })) return false;
  }
}

ManagementServer::~ManagementServer() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  server_.stop();
  thread_.join();
}

std::unique_ptr<ManagementServer> management_server_of(const Settings& settings,
                                                       const platform::PlatformInfo& info, const Clock& clock,
                                                       AddressTaken taken) {
  const std::string listen = settings.text("management.listen");
  if (listen.empty()) return nullptr;
  const Address at = parse_address("management.listen", listen);
  return std::make_unique<ManagementServer>(at.host, at.port, info, clock, taken);
}

}  // namespace market::apps
