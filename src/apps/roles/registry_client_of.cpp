#include "apps/roles/registry_client_of.hpp"

#include <fmt/format.h>

#include "apps/roles/serve_parts.hpp"
#include "http/message/host_address.hpp"
#include "http/message/target.hpp"
#include "services/platform/service_view.hpp"

namespace market::apps {

eureka::RegistryClientSettings registry_client_settings(const Settings& settings) {
  eureka::RegistryClientSettings wanted;
  auto registries = http::parse_base_urls(settings.text("registry.urls"));
  if (!registries) throw UsageError("registry.urls: " + registries.error().detail);
  wanted.registries = std::move(*registries);
  wanted.host = settings.text("registry.host");
  const std::string in_url = http::host_in_url(wanted.host);
  const bool has_port = !in_url.ends_with(']') && in_url.find(':') != std::string::npos;
  if (!http::is_valid_host(in_url) || has_port)
    throw UsageError(fmt::format("registry.host: '{}' is no host", wanted.host));
  wanted.host = http::bare_host(wanted.host);
  wanted.zone = settings.text("registry.zone");
  wanted.allowed = http::AllowedAddresses(networks_of(settings, "registry.networks"));
  if (const auto why = http::AllowedAddresses().refusal(wanted.host);
      !wanted.registries.empty() && !why.empty())
    throw UsageError("registry.host: " + wanted.host + " " + std::string(why));
  wanted.renewal_interval = settings.duration("registry.renewal_interval");
  wanted.lease = settings.duration("registry.lease");
  wanted.fetch_interval = settings.duration("registry.fetch_interval");
  if (wanted.lease <= wanted.renewal_interval)
    throw UsageError("registry.lease must be longer than registry.renewal_interval");
  return wanted;
}

std::unique_ptr<eureka::RegistryClient> registry_client_of(const Settings& settings, const Clock& clock,
                                                           std::vector<std::string> services,
                                                           std::uint16_t port) {
  auto wanted = registry_client_settings(settings);
  wanted.services = std::move(services);
  wanted.port = port;
  return std::make_unique<eureka::RegistryClient>(std::move(wanted), clock);
}

std::string service_view_of(const eureka::RegistryClient& client) {
  const auto state = client.state();
  platform::RegistryView registry;
  registry.url = state.registry;
  registry.reached = state.reached;
  registry.registered = state.registered;
  registry.pushed = state.pushed;
  registry.trouble = state.trouble;
  return platform::service_view(client.has_registry() ? &registry : nullptr, *client.services());
}

void add_registry_client_metrics(const eureka::RegistryClient& client, platform::MetricsText& metrics) {
  const auto state = client.state();
  const auto list = client.services();
  metrics.family("market_discovery_registered", "gauge", "1: every service of this process is registered.")
      .sample(std::uint64_t{state.registered});
  metrics.family("market_discovery_pushed", "gauge", "1: the registry pushes its changes.")
      .sample(std::uint64_t{state.pushed});
  metrics.family("market_discovery_errors_total", "counter", "Failed talks to the registries.")
      .sample(state.errors);
  metrics.family("market_discovery_renewals_total", "counter", "Heartbeats that were taken.")
      .sample(state.renewals);
  metrics.family("market_discovery_instances", "gauge", "Instances in the list.")
      .sample(std::uint64_t{list->instances});
  metrics.family("market_discovery_left_out", "gauge", "Services with instances that cannot be called.")
      .sample(std::uint64_t{list->left_out.size()});
  metrics.family("market_discovery_version", "gauge", "Changes of the list.").sample(list->version);
}

}  // namespace market::apps
