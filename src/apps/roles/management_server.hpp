#pragma once
/// `management.listen`: /metrics, /info and health on an address of their own, with a thread of its own, so
/// that they answer however busy the platform is.

#include <memory>
#include <string>
#include <thread>

#include "apps/settings/settings.hpp"
#include "http/server/server.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {

class ManagementServer {
 public:
  /// Errors: throws std::runtime_error when the address is taken.
  ManagementServer(const std::string& host, std::uint16_t port, const platform::PlatformInfo& info,
                   const Clock& clock);
  ~ManagementServer();

 private:
  http::Router router_;
  http::Server server_;
  std::thread thread_;
};

/// Null without `management.listen`. Throws UsageError, std::runtime_error.
std::unique_ptr<ManagementServer> management_server_of(const Settings& settings,
                                                       const platform::PlatformInfo& info,
                                                       const Clock& clock);

}  // namespace market::apps
