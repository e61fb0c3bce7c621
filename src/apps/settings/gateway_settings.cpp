#include "apps/settings/gateway_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "apps/roles/serve_parts.hpp"
#include "apps/settings/gateway_routes.hpp"
#include "http/message/ascii.hpp"

namespace market::apps {
namespace {

std::vector<ServiceInstance> instances_of(const toml::node& node) {
  const auto* const services = node.as_table();
  if (!services)
    throw UsageError(toml_place(node.source()) +
                     "gateway.services must be a table of texts: name = [\"HOST:PORT\"]");
  std::vector<ServiceInstance> instances;
  TomlReader reader(*services, "gateway.services");
  for (const auto& [name, unread] : *services) {
    const std::string service = http::lower_text(name.str());
    const auto addresses = reader.texts(name.str());
    if (addresses.empty()) reader.refuse(name.str(), "lists no instance");
    for (const auto& text : addresses) {
      const auto address = read_address(text);
      if (!address || address->port == 0)
        reader.refuse(name.str(), fmt::format("'{}' is no address; write HOST:PORT", text));
      ServiceInstance instance;
      instance.service = service;
      instance.id = text;
      instance.host = address->host;
      instance.port = address->port;
      instances.push_back(std::move(instance));
    }
  }
  return instances;
}

/// A second Access-Control-Allow-Origin makes browsers refuse the answer.
void expect_no_cors_fields(const gateway::Route& route) {
  for (const auto* changes : {&route.add_response_headers, &route.set_response_headers})
    for (const auto& change : *changes)
      if (http::lower_text(change.name).starts_with("access-control-"))
        throw UsageError(
            fmt::format("gateway.routes \"{}\": {} is what the cors policy says; it cannot be set beside it",
                        route.id, change.name));
}

std::map<std::string, std::string> members_of(const std::string& source) {
  std::map<std::string, std::string> members;
  std::istringstream lines(source);
  for (std::string line; std::getline(lines, line);)
    members.emplace(line.substr(0, line.find('=')), line.substr(line.find('=') + 1));
  return members;
}

/// Their names alone: values may be secrets, such as a field that is added for an upstream.
std::string changed_members(const std::string& before, const std::string& after) {
  auto old = members_of(before);
  std::set<std::string> names;
  for (const auto& [name, value] : members_of(after)) {
    const auto known = old.extract(name);
    if (known.empty() || known.mapped() != value) names.insert(name);
  }
  for (const auto& [name, value] : old) names.insert(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

GatewaySettings read_gateway_settings(const Settings& settings, const std::string& file, bool at_home) {
  GatewaySettings read;
  auto& config = read.config;
  if (!file.empty()) {
    const toml::table whole = read_toml(file);
    if (const auto* const section = whole["gateway"].as_table()) {
      if (const auto* const services = section->get("services")) read.instances = instances_of(*services);
      if (const auto* const routes = section->get("routes")) config.routes = read_routes(*routes, at_home);
    }
  }
  if (settings.flag("gateway.default_routes"))
    for (auto& route : gateway::default_routes()) {
      const bool replaced = std::any_of(config.routes.begin(), config.routes.end(),
                                        [&](const gateway::Route& own) { return own.id == route.id; });
      if (replaced) continue;
      route.at_home = at_home;
      config.routes.push_back(std::move(route));
    }
  if (at_home) {  // Whatever has a handler here and no route above.
    gateway::Route rest;
    rest.id = "home";
    rest.service = "market-order";
    rest.at_home = true;
    rest.paths.emplace_back("/api/v1/**");
    config.routes.push_back(std::move(rest));
  }
  config.complete();
  if (!at_home && settings.text("auth.key_file").empty())
    for (const auto& route : config.routes)
      if (route.authenticated)
        throw UsageError(fmt::format(
            "gateway.routes \"{}\": authenticated = true needs auth.key_file: no token could be checked",
            route.id));
  for (const auto& route : config.routes)
    if (route.cors || config.cors) expect_no_cors_fields(route);
  config.body_bytes_max = static_cast<std::size_t>(settings.number("http.body_bytes_max"));
  config.in_flight_max = settings.number("gateway.in_flight_max");
  // Nothing of another process is to be spared: the whole's limit is enough.
  for (auto& route : config.routes)
    if (route.at_home && route.source.empty())
      route.in_flight_max = static_cast<std::size_t>(config.in_flight_max);
  config.rate_limits = settings.flag("ratelimit.enabled");
  const auto streams = [&](const char* key) { return static_cast<std::size_t>(settings.number(key)); };
  config.streams = {streams("gateway.streams_max"), streams("gateway.streams_per_address_max"),
                    streams("gateway.streams_per_user_max")};
  const auto rate = [&](const char* key) {
    const auto per_second = static_cast<double>(settings.number(key));
    return gateway::RateLimit{per_second, per_second * 2};
  };
  config.user_rate = rate("ratelimit.user_per_second");
  config.address_rate = rate("ratelimit.address_per_second");
  config.sampled_share = static_cast<double>(settings.number("http.spans_per_million")) / 1e6;
  config.trusted_proxies = networks_of(settings, "http.trusted_proxies");
  if (const auto origins = comma_separated(settings.text("gateway.cors_origins")); !origins.empty()) {
    config.cors.emplace().origins = origins;
    check_origins(origins, "gateway.cors_origins");
  }
  return read;
}

std::vector<std::string> differences(const gateway::GatewayConfig& before,
                                     const gateway::GatewayConfig& after) {
  std::vector<std::string> lines;
  const auto find = [](const gateway::GatewayConfig& config, const std::string& id) {
    const auto found = std::find_if(config.routes.begin(), config.routes.end(),
                                    [&](const gateway::Route& route) { return route.id == id; });
    return found == config.routes.end() ? nullptr : &*found;
  };
  for (const auto& route : before.routes)
    if (!find(after, route.id)) lines.push_back(fmt::format("- route {}", route.id));
  for (const auto& route : after.routes) {
    const auto* const old = find(before, route.id);
    if (!old)
      lines.push_back(fmt::format("+ route {}: {}", route.id, changed_members("", route.source)));
    else if (old->source != route.source)
      lines.push_back(fmt::format("~ route {}: {}", route.id, changed_members(old->source, route.source)));
  }
  const auto compare = [&lines](const char* name, const auto& old, const auto& now) {
    if (old != now) lines.push_back(fmt::format("~ {}: {} -> {}", name, old, now));
  };
  compare("http.body_bytes_max", before.body_bytes_max, after.body_bytes_max);
  compare("gateway.in_flight_max", before.in_flight_max, after.in_flight_max);
  compare("gateway.streams_max", before.streams.total_max, after.streams.total_max);
  compare("gateway.streams_per_address_max", before.streams.address_max, after.streams.address_max);
  compare("gateway.streams_per_user_max", before.streams.user_max, after.streams.user_max);
  compare("ratelimit.enabled", before.rate_limits, after.rate_limits);
  compare("ratelimit.user_per_second", before.user_rate.per_second, after.user_rate.per_second);
  compare("ratelimit.address_per_second", before.address_rate.per_second, after.address_rate.per_second);
  compare("http.spans_per_million", before.sampled_share * 1e6, after.sampled_share * 1e6);
  compare("http.trusted_proxies (how many)", before.trusted_proxies.size(), after.trusted_proxies.size());
  const auto origins = [](const gateway::GatewayConfig& config) {
    return config.cors ? fmt::format("{}", fmt::join(config.cors->origins, ",")) : std::string("none");
  };
  compare("gateway.cors_origins", origins(before), origins(after));
  return lines;
}

std::vector<std::string> differences(const ServiceList& before, const ServiceList& after) {
  const auto addresses = [](const ServiceList& list, const std::string& service) {
    std::string text;
    if (const auto found = list.services.find(service); found != list.services.end())
      for (const auto& one : found->second) text += (text.empty() ? "" : ", ") + one.id;
    return text.empty() ? "none" : text;
  };
  std::set<std::string> services;
  for (const auto* list : {&before, &after})
    for (const auto& [service, instances] : list->services) services.insert(service);
  std::vector<std::string> lines;
  for (const auto& service : services) {
    const auto old = addresses(before, service), now = addresses(after, service);
    if (old != now) lines.push_back(fmt::format("~ gateway.services {}: {} -> {}", service, old, now));
  }
  return lines;
}

void SettingsDiscovery::set(const std::vector<ServiceInstance>& instances) {
  auto list = std::make_shared<ServiceList>();
  list->version = fixed_.load()->version + 1;
  for (const auto& instance : instances) list->services[instance.service].push_back(instance);
  fixed_.store(std::move(list));
}

std::shared_ptr<const ServiceList> SettingsDiscovery::services() const {
  auto fixed = fixed_.load();
  if (!registry_) return fixed;
  auto registry = registry_->services();
  if (fixed->services.empty()) return registry;
  if (const auto merged = merged_.load(); merged && merged->registry == registry && merged->fixed == fixed)
    return merged->all;
  auto all = std::make_shared<ServiceList>(registry ? *registry : ServiceList());
  for (const auto& [name, instances] : fixed->services) all->services[name] = instances;
  merged_.store(std::make_shared<const Merged>(Merged{registry, fixed, all}));
  return all;
}

}  // namespace market::apps
