#include "adapters/eureka/known_instances.hpp"

#include <spdlog/spdlog.h>

#include "http/message/ascii.hpp"

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

/// The VIP, as Java's clients look services up; the application's name when there is none.
std::string service_of(const registry::Instance& instance) {
  const auto comma = instance.vip.find(',');
  return http::lower_text(instance.vip.empty() ? instance.app : instance.vip.substr(0, comma));
}

/// What a consumer can see of an instance.
bool looks_same(const registry::Instance& a, const registry::Instance& b) {
  return a.status == b.status && a.host == b.host && a.ip == b.ip && a.port.number == b.port.number &&
         a.vip == b.vip && a.metadata == b.metadata && zone_of(a) == zone_of(b);
}

}  // namespace

void KnownInstances::apply(const registry::Instance& change) {
  const std::pair key(change.app, change.key());
  if (change.action == registry::Action::deleted) {
    changed_ = instances_.erase(key) > 0 || changed_;
    return;
  }
  const auto found = instances_.find(key);
  changed_ = changed_ || found == instances_.end() || !looks_same(found->second.instance, change);
  instances_[key] = {change, Instant()};
}

void KnownInstances::replace(std::vector<registry::Instance> instances) {
  std::map<std::pair<std::string, std::string>, const registry::Instance*> told;
  for (const auto& instance : instances) told[{instance.app, instance.key()}] = &instance;
  std::size_t missing = 0;
  for (const auto& [key, known] : instances_) missing += told.contains(key) ? 0u : 1u;
  // Half of the list gone between two fetches: the registry lost it rather than that all of them died.
  const bool doubtful = missing * 2 > instances_.size();
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
  for (const auto& instance : instances) {
    registry::Instance taken = instance;
    taken.action = registry::Action::added;
    apply(taken);
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

void KnownInstances::publish() {
  if (!changed_) return;
  changed_ = false;
  auto list = std::make_shared<ServiceList>();
  list->version = ++version_;
  std::erase_if(refused_, [this](const auto& key) { return !instances_.contains(key); });
  for (const auto& [key, known] : instances_) {
    const registry::Instance& from = known.instance;
    if (!from.port.enabled) continue;
    if (const auto why = allowed_.refusal_of_instance(from.host, from.ip); !why.empty()) {
      if (refused_.insert(key).second)
        spdlog::warn("registry: {} of {} is ignored: {}", key.second, key.first, why);
      continue;
    }
    refused_.erase(key);
    ServiceInstance instance;
    instance.service = service_of(from);
    instance.id = from.key();
    instance.host = from.host;
    instance.port = static_cast<std::uint16_t>(from.port.number);
    instance.status = status_of(from.status);
    instance.zone = zone_of(from);
    instance.registered = true;
    instance.metadata = from.metadata;
    list->services[instance.service].push_back(std::move(instance));
  }
  std::atomic_store(&list_, std::shared_ptr<const ServiceList>(std::move(list)));
}

}  // namespace market::eureka
