#pragma once
/// The door to the outside: routes, instances, limits. It stands before others (--role gateway) or before the
/// handlers of this process (--role all), by one chain of filters.

#include <deque>

#include "adapters/eureka/registry_client.hpp"
#include "apps/commands/commands.hpp"
#include "apps/roles/redis_parts.hpp"
#include "apps/roles/serve_role.hpp"
#include "apps/settings/gateway_settings.hpp"
#include "http/server/server.hpp"
#include "services/gateway/balancer.hpp"
#include "services/gateway/proxy.hpp"
#include "services/gateway/shared_rates.hpp"
#include "services/platform/metrics_text.hpp"

namespace market::apps {

/// Where instances may be. Those that settings have replaced stay: requests under way and connections know
/// them by address.
class AllowedByRegistry {
 public:
  explicit AllowedByRegistry(const Settings& settings) { read(settings); }
  const http::AllowedAddresses& current() const { return all_.back(); }
  void read(const Settings& settings);

 private:
  std::string networks_;
  std::deque<http::AllowedAddresses> all_;
};

struct FrontDoor {
  /// `config`: the settings file. `authenticator`: null when none can check tokens yet. Throws UsageError.
  FrontDoor(const Settings& settings, const std::string& config, bool home,
            const auth::Authenticator* authenticator, http::AccessLog& access_log, const Clock& clock);
  /// Puts its filters around every handler below /api/v1, and takes what no handler does.
  void stand_before(http::Router& router);
  /// With other gateways, through Redis. Before the first request; it is stopped before Redis is.
  void share_limits(RedisParts& redis);
  /// SIGHUP: what `next` says from now on; a log line for each difference.
  void apply(const Settings& settings, GatewaySettings next);
  void add_metrics(platform::MetricsText& text) const;

  const bool at_home;
  AllowedByRegistry allowed;
  SettingsDiscovery discovery{nullptr};  ///< Its registry is told later; see follow().
  gateway::Balancer balancer;
  gateway::Proxy proxy;
  std::unique_ptr<gateway::SharedRates> shared_rates;  ///< With Redis.

 private:
  FrontDoor(const Settings& settings, GatewaySettings read, bool home,
            const auth::Authenticator* authenticator, http::AccessLog& access_log, const Clock& clock);
};

/// SIGHUP: all of it or nothing. `also`: what else reads its settings again, before anything is applied; it
/// throws when they cannot be.
void reload_front_door(const SettingSources& sources, ServeRole role, FrontDoor& front,
                       eureka::RegistryClient& registry, http::Server& server,
                       const std::function<void(const Settings&)>& also = {});

/// For a process whose server tells of all answers itself.
http::AccessLog& no_access_log();

}  // namespace market::apps
