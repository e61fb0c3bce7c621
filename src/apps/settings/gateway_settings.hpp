#pragma once
/// The gateway's part of the settings: routes, fixed instances, limits. Checked as a whole: one mistake
/// anywhere, and nothing of it counts.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/settings/settings.hpp"
#include "ports/discovery.hpp"
#include "services/gateway/gateway_config.hpp"

namespace market::apps {

struct GatewaySettings {
  gateway::GatewayConfig config;
  std::vector<ServiceInstance> instances;  ///< Of [gateway.services].
};

/// `file`: the settings file, or empty. `at_home`: the market's services are this process; routes to them may
/// say only what can be honoured there. Throws UsageError.
GatewaySettings read_gateway_settings(const Settings& settings, const std::string& file, bool at_home);

/// What differs, one line each, for the log.
std::vector<std::string> differences(const gateway::GatewayConfig& before,
                                     const gateway::GatewayConfig& after);
/// Likewise of the fixed instances.
std::vector<std::string> differences(const ServiceList& before, const ServiceList& after);

/// Instances from the settings file; and, where there are some, those of a registry for all other services.
class SettingsDiscovery final : public Discovery {
 public:
  explicit SettingsDiscovery(const Discovery* registry) : registry_(registry) {}
  /// Before anybody asks.
  void follow(const Discovery& registry) { registry_ = &registry; }
  void set(const std::vector<ServiceInstance>& instances);
  /// What was set last.
  std::shared_ptr<const ServiceList> fixed() const { return fixed_.load(); }
  std::shared_ptr<const ServiceList> services() const override;

 private:
  struct Merged {
    std::shared_ptr<const ServiceList> registry, fixed, all;
  };
  const Discovery* registry_;
  std::atomic<std::shared_ptr<const ServiceList>> fixed_{std::make_shared<const ServiceList>()};
  mutable std::atomic<std::shared_ptr<const Merged>> merged_;
};

}  // namespace market::apps
