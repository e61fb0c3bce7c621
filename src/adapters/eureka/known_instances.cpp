#include "adapters/eureka/known_instances.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "wire/eureka/registration_check.hpp"

namespace market::eureka {
namespace {

InstanceStatus status_of(registry::Status status) {
  switch (status) {
    case registry::Status::up:
      return InstanceStatus::up;
    case registry::Status::down:
      return InstanceStatus::down;
    case registry::Status::starting:
      return InstanceStatus::starting;
    case registry::Status::out_of_service:
      return InstanceStatus::out_of_service;
    case registry::Status::unknown:
      return InstanceStatus::unknown;
  }
  return InstanceStatus::unknown;
}

/// Each name of a comma-separated list, lower-case.
std::set<std::string> names_of(std::string_view list) {
  std::set<std::string> names;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto name = trimmed(list.substr(0, comma));
    if (!name.empty()) names.insert(http::lower_text(name));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return names;
}

/// Of its path alone an instance is not refused: it is asked for another one then.
std::string health_path_of(const registry::Metadata& metadata) {
  const auto found = metadata.find("health");
  if (found == metadata.end() || !found->second.starts_with('/')) return {};
  const bool fits = found->second.size() <= wire::eureka::url_bytes_max &&
                    std::all_of(found->second.begin(), found->second.end(),
                                [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
  return fits ? found->second : std::string();
}

/// What a consumer can see of an instance.
bool looks_same(const registry::RegisteredInstance& a, const registry::RegisteredInstance& b) {
  return a.status == b.status && a.host == b.host && a.ip == b.ip && a.port.number == b.port.number &&
         a.port.enabled == b.port.enabled && a.secure_port.enabled == b.secure_port.enabled &&
         a.vip == b.vip && a.metadata == b.metadata && zone_of(a) == zone_of(b);
}

bool is_secure_alone(const registry::RegisteredInstance& instance) {
  return !instance.port.enabled && instance.secure_port.enabled;
}

/// By its host's name or by its address: whoever calls one gets the other.
bool shares_address(const registry::RegisteredInstance& a, const registry::RegisteredInstance& b) {
  if (a.port.number != b.port.number) return false;
  const auto same = [](std::string_view one, std::string_view other) {
    return !one.empty() && http::same_letters(one, other);
  };
  return same(a.host, b.host) || same(a.ip, b.ip) || same(a.host, b.ip) || same(a.ip, b.host);
}

ServiceInstance service_instance(const std::string& service, const registry::RegisteredInstance& from) {
  ServiceInstance instance;
  instance.service = service;
  instance.id = from.key();
  instance.host = from.host;
  instance.address = from.ip;
  instance.port = static_cast<std::uint16_t>(from.port.number);
  instance.status = status_of(from.status);
  instance.zone = zone_of(from);
  instance.registered = true;
  instance.health_path = health_path_of(from.metadata);
  return instance;
}

/// A name that a foreign registry tells, as it may stand in a log line.
std::string_view shown(std::string_view name) {
  return wire::eureka::is_path_name(name) ? name : "(a name that is none)";
}

}  // namespace

void KnownInstances::apply(const registry::RegisteredInstance& change) {
  const std::pair key(change.app, change.key());
  if (change.action == registry::Action::deleted) {
    changed_ = instances_.erase(key) > 0 || changed_;
    return;
  }
  const auto found = instances_.find(key);
  // Who comes to an address claims it, unless both were there before: one process may be several services.
  const bool stays = found != instances_.end() && shares_address(found->second.instance, change);
  const auto dropped = std::erase_if(instances_, [&](const auto& entry) {
    return !stays && entry.first != key && entry.second.doubtful_until != Instant() &&
           shares_address(entry.second.instance, change);
  });
  changed_ = changed_ || dropped > 0;
  changed_ = changed_ || found == instances_.end() || !looks_same(found->second.instance, change);
  instances_[key] = {change, Instant()};
}

void KnownInstances::replace(std::vector<registry::RegisteredInstance> instances) {
  std::set<Name> told;
  for (const auto& instance : instances) told.emplace(instance.app, instance.key());
  // A registry that was restarted knows nobody, or the first few that have registered again.
  std::size_t sure = 0, missing = 0;
  for (const auto& [name, known] : instances_) {
    if (known.doubtful_until != Instant()) continue;
    ++sure;
    missing += !told.contains(name);
  }
  const bool doubtful = missing * 2 > sure;
  const Instant until = clock_.now() + grace;
  for (auto known = instances_.begin(); known != instances_.end();) {
    const bool gone = !told.contains(known->first);
    if (gone && !doubtful && known->second.doubtful_until == Instant()) {
      known = instances_.erase(known);
      changed_ = true;
      continue;
    }
    if (gone && known->second.doubtful_until == Instant()) known->second.doubtful_until = until;
    ++known;
  }
  for (auto& instance : instances) {
    instance.action = registry::Action::added;
    apply(instance);
  }
  drop_doubtful();
}

void KnownInstances::drop_doubtful() {
  const Instant now = clock_.now();
  const auto dropped = std::erase_if(instances_, [&](const auto& entry) {
    return entry.second.doubtful_until != Instant() && entry.second.doubtful_until < now;
  });
  changed_ = changed_ || dropped > 0;
}

std::string KnownInstances::hash() const {
  std::map<std::string_view, std::size_t> counts;
  for (const auto& [key, known] : instances_)
    if (known.doubtful_until == Instant()) ++counts[name_of(known.instance.status)];
  std::string text;
  for (const auto& [name, count] : counts)
    text.append(name).append("_").append(std::to_string(count)).append("_");
  return text;
}

void KnownInstances::set_allowed(http::AllowedAddresses allowed) {
  allowed_ = std::move(allowed);
  refused_.clear();
  changed_ = true;
}

std::optional<std::string> KnownInstances::refusal_of(const registry::RegisteredInstance& instance) const {
  // A foreign registry lets in what ours refuses, and these become part of requests and log lines.
  if (const auto ok = wire::eureka::check_names_and_hosts(instance); !ok) return ok.error().detail;
  if (is_secure_alone(instance))
    return "it listens with TLS alone (securePort), which the gateway does not speak to instances";
  if (!instance.port.enabled) return "its port is not enabled";
  if (instance.port.number < 1 || instance.port.number > 65'535) return "its port is none";
  auto why = allowed_.refusal_of_instance(instance.host, instance.ip);
  return why.empty() ? std::nullopt : std::optional(std::move(why));
}

void KnownInstances::publish() {
  if (!changed_) return;
  changed_ = false;
  auto list = std::make_shared<ServiceList>();
  list->version = ++version_;
  std::erase_if(refused_, [this](const auto& key) { return !instances_.contains(key); });
  std::map<std::string, std::vector<ServiceInstance>> by_application;
  std::set<std::string> left_out;
  for (const auto& [key, known] : instances_) {
    const registry::RegisteredInstance& from = known.instance;
    const std::string app = http::lower_text(from.app);
    if (const auto why = refusal_of(from)) {
      if (refused_.insert(key).second)
        spdlog::warn("registry: {} of {} is ignored: {}", shown(key.second), shown(key.first), *why);
      // Of the others anybody could learn their addresses: they are in the log alone.
      if (is_secure_alone(from))
        left_out.insert(std::string(shown(app)) + ": an instance listens with TLS alone");
      continue;
    }
    refused_.erase(key);
    ++list->instances;
    for (const std::string& name : names_of(from.vip.value_or("")))
      list->services[name].push_back(service_instance(name, from));
    by_application[app].push_back(service_instance(app, from));
  }
  list->services.merge(by_application);
  list->left_out.assign(left_out.begin(), left_out.end());
  std::atomic_store(&list_, std::shared_ptr<const ServiceList>(std::move(list)));
}

}  // namespace market::eureka
