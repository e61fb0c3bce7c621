#pragma once
/// `management.listen`: /metrics, /info and health on an address of their own, with a thread of its own, so
/// that they answer however busy the platform is.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "apps/settings/settings.hpp"
#include "http/server/server.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::apps {

/// What to do when the address is taken: it is another program's, or the predecessor's, who lets go of it.
enum class AddressTaken : std::uint8_t { fail, wait };

class ManagementServer {
 public:
  /// Throws std::runtime_error when the address is taken, but with AddressTaken::wait: then it is waited for.
  ManagementServer(const std::string& host, std::uint16_t port, const platform::PlatformInfo& info,
                   const Clock& clock, AddressTaken taken);
  ~ManagementServer();

 private:
  bool listen_when_free(const std::string& host, std::uint16_t port);

  http::Router router_;
  http::Server server_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;
};

/// Null without `management.listen`. Throws UsageError, std::runtime_error.
std::unique_ptr<ManagementServer> management_server_of(const Settings& settings,
                                                       const platform::PlatformInfo& info, const Clock& clock,
                                                       AddressTaken taken = AddressTaken::fail);

}  // namespace market::apps
