#include "apps/roles/front_door.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <map>

#include "apps/roles/serve_parts.hpp"
#include "apps/settings/gateway_files.hpp"
#include "apps/settings/settings_check.hpp"
#include "base/random.hpp"

namespace market::apps {
namespace {

/// Tells this process from every other gateway that a request may pass.
std::string random_name() {
  return fmt::format("{:016x}", random_number());
}

std::string preferred_zone(const Settings& settings) {
  return settings.flag("gateway.prefer_same_zone") ? settings.text("registry.zone") : std::string();
}

gateway::BalancerSettings balancing(const Settings& settings, const http::AllowedAddresses& allowed) {
  gateway::BalancerSettings balancing;
  balancing.zone = preferred_zone(settings);
  balancing.allowed = &allowed;
  return balancing;
}

/// A route that is still there keeps its counts and its breaker.
void keep_states(gateway::GatewayConfig& next, const gateway::GatewayConfig& before) {
  for (auto& route : next.routes)
    for (const auto& old : before.routes)
      if (old.id == route.id) route.state = old.state;
}

class NoAccessLog final : public http::AccessLog {
 public:
  bool is_on() const override { return false; }
  bool wants(bool) const override { return false; }
  double sampled_share() const override { return 0; }
  void take(const http::RequestRecord&) override {}
};

}  // namespace

http::AccessLog& no_access_log() {
  static NoAccessLog none;
  return none;
}

void AllowedByRegistry::read(const Settings& settings) {
  std::string networks = settings.text("registry.networks");
  if (!all_.empty() && networks == networks_) return;
  all_.emplace_back(networks_of(settings, "registry.networks"));
  networks_ = std::move(networks);
}

FrontDoor::FrontDoor(const Settings& settings, const std::string& config, bool home,
                     const auth::Authenticator* authenticator, http::AccessLog& access_log,
                     const Clock& clock)
    : FrontDoor(settings, read_gateway_settings(settings, config, home), home, authenticator, access_log,
                clock) {}

FrontDoor::FrontDoor(const Settings& settings, GatewaySettings read, bool home,
                     const auth::Authenticator* authenticator, http::AccessLog& access_log,
                     const Clock& clock)
    : at_home(home),
      allowed(settings),
      balancer(discovery, balancing(settings, allowed.current())),
      proxy({balancer, authenticator, access_log, clock},
            std::make_shared<const gateway::GatewayConfig>(std::move(read.config)), random_name()) {
  discovery.set(read.instances);
}

void FrontDoor::share_limits(RedisParts& redis) {
  shared_rates = std::make_unique<gateway::SharedRates>(proxy.limiter(), redis.limits,
                                                        [&redis] { return redis.client.connected(); });
  shared_rates->start(redis.client.executor());
}

void FrontDoor::stand_before(http::Router& router) {
  router.match_normal_form_below("/api/");
  const auto names = router.route_names();
  for (const auto& name : names)
    if (name.find(" /api/v1/") != std::string::npos)
      router.wrap(name, [this](http::Handler handler) { return proxy.before(std::move(handler)); });
  router.set_leads_away([this](const http::Request& request) { return proxy.leads_away(request); });
  router.set_fallback([this](const http::Request& request) { return proxy.handle(request); },
                      proxy.options());
}

void FrontDoor::apply(const Settings& settings, GatewaySettings next) {
  const auto before = proxy.config();
  keep_states(next.config, *before);
  auto changed = differences(*before, next.config);
  allowed.read(settings);
  balancer.apply(preferred_zone(settings), &allowed.current());
  const auto instances_before = discovery.fixed();
  discovery.set(next.instances);
  for (auto& line : differences(*instances_before, *discovery.fixed())) changed.push_back(std::move(line));
  proxy.apply(std::make_shared<const gateway::GatewayConfig>(std::move(next.config)));
  spdlog::info("settings were read again: {} differences", changed.size());
  for (const auto& line : changed) spdlog::info("settings: {}", line);
}

void reload_front_door(const SettingSources& sources, ServeRole role, FrontDoor& front,
                       eureka::RegistryClient& registry, http::Server& server,
                       const std::function<void(const Settings&)>& also) {
  try {
    const Settings settings = read_settings(sources);
    check_settings(settings, sources.config, role);
    auto next = read_gateway_settings(settings, sources.config, front.at_home);
    auto tls = tls_of(settings);
    if (also) also(settings);
    server.set_tls(std::move(tls));
    if (front.at_home) server.set_trusted_proxies(next.config.trusted_proxies);
    front.apply(settings, std::move(next));  // Says that it is done.
    registry.apply(settings.text("registry.zone"), front.allowed.current());
  } catch (const std::exception& mistake) {
    spdlog::error("the settings were not applied, the old ones stay: {}", mistake.what());
  }
}

void FrontDoor::add_metrics(platform::MetricsText& text) const {
  const auto& counts = proxy.counts();
  const auto counter = [&text](const char* name, const char* help, std::uint64_t value) {
    text.family(name, "counter", help).sample(value);
  };
  counter("market_gateway_forwarded_total", "Requests sent on.", counts.forwarded.load());
  counter("market_gateway_retries_total", "Tries after the first.", counts.retries.load());
  counter("market_gateway_shed_total", "Refused for lack of room.", counts.shed.load());
  counter("market_gateway_rate_limited_total", "Refused by a rate limit.", counts.rate_limited.load());
  counter("market_gateway_coalesced_total", "Answered with another's answer.", counts.coalesced.load());
  counter("market_gateway_shared_streams_total", "Event streams that joined another's.",
          counts.shared_streams.load());
  counter("market_gateway_failures_total", "No instance answered well.", counts.failures.load());
  text.family("market_gateway_in_flight", "gauge", "Requests under way.")
      .sample(static_cast<std::uint64_t>(std::max<std::int64_t>(0, proxy.in_flight())));
  text.family("market_gateway_streams", "gauge", "Event streams that are open.")
      .sample(std::uint64_t{proxy.open_streams()});
  text.family("market_gateway_route_in_flight", "gauge", "Requests under way, by route.");
  const auto config = proxy.config();
  for (const auto& route : config->routes)
    text.sample(static_cast<std::uint64_t>(std::max<std::int64_t>(0, route.state->in_flight.load())),
                platform::label("route", route.id));
  text.family("market_gateway_breaker_open", "gauge", "1: the route's circuit breaker is open.");
  for (const auto& route : config->routes)
    text.sample(std::uint64_t{route.state->is_open() ? 1u : 0u}, platform::label("route", route.id));
  // One series for an address, however often it is listed: a scraper refuses the whole page otherwise.
  struct Sums {
    std::uint64_t requests = 0, faults = 0, ejected = 0;
  };
  std::map<std::string, Sums> instances;
  for (const auto& instance : balancer.all()) {
    auto& sums = instances[platform::label("service", instance->service) + ',' +
                           platform::label("instance", fmt::format("{}:{}", instance->host, instance->port))];
    sums.requests += instance->requests.load();
    sums.faults += instance->faults.load();
    if (instance->is_ejected()) sums.ejected = 1;
  }
  text.family("market_gateway_instance_requests_total", "counter", "Requests sent to the instance.");
  for (const auto& [name, sums] : instances) text.sample(sums.requests, name);
  text.family("market_gateway_instance_faults_total", "counter", "Failures of the instance.");
  for (const auto& [name, sums] : instances) text.sample(sums.faults, name);
  text.family("market_gateway_instance_ejected", "gauge", "1: gets no requests.");
  for (const auto& [name, sums] : instances) text.sample(sums.ejected, name);
}

}  // namespace market::apps
