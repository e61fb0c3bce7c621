#pragma once
/// The registry client of a process, as its settings say. Every role that is registered or looks others up
/// has one.
///
///   const auto client = registry_client_of(settings, clock, {"market-user"}, server.port());
///   client->start();  …  client->withdraw();  server.stop();  …  client->leave();

#include "adapters/eureka/registry_client.hpp"
#include "apps/settings/settings.hpp"
#include "services/platform/metrics_text.hpp"

namespace market::apps {

/// Without services and port. Throws UsageError.
eureka::RegistryClientSettings registry_client_settings(const Settings& settings);

/// Throws UsageError. Without registry.urls the client knows nobody and does nothing.
std::unique_ptr<eureka::RegistryClient> registry_client_of(const Settings& settings, const Clock& clock,
                                                           std::vector<std::string> services,
                                                           std::uint16_t port);
/// What GET /api/v1/admin/services answers.
std::string service_view_of(const eureka::RegistryClient& client);
void add_registry_client_metrics(const eureka::RegistryClient& client, platform::MetricsText& metrics);

}  // namespace market::apps
