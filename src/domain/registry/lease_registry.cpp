#include "domain/registry/lease_registry.hpp"

#include <algorithm>

namespace market::registry {
namespace {

bool is_settled(Status status) {
  return status == Status::up || status == Status::out_of_service;
}

std::string by_text(std::string_view what, std::string_view by) {
  return by.empty() ? std::string(what) : std::string(what) + " by " + std::string(by);
}

}  // namespace

const LeaseRegistry::Lease* LeaseRegistry::lease_of(std::string_view app, const std::string& id) const {
  const auto found = apps_.find(app);
  if (found == apps_.end()) return nullptr;
  const auto lease = found->second.find(id);
  return lease == found->second.end() ? nullptr : &lease->second;
}

LeaseRegistry::Lease* LeaseRegistry::lease_of(std::string_view app, const std::string& id) {
  return const_cast<Lease*>(std::as_const(*this).lease_of(app, id));
}

void LeaseRegistry::count(Status status, int by) {
  auto& entry = by_status_[name_of(status)];
  entry = by > 0 ? entry + 1 : entry - 1;
  if (entry == 0) by_status_.erase(name_of(status));
}

void LeaseRegistry::note(std::int64_t now_ms, const RegisteredInstance& instance, std::string what,
                         std::string why) {
  history_.push_back({now_ms, instance.app, instance.key(), std::move(what), std::move(why)});
  if (history_.size() > rules_.history_max) history_.pop_front();
}

Result<> LeaseRegistry::check_room(std::size_t wanted, std::size_t cost) const {
  if (wanted > cost && bytes_ - cost + wanted > rules_.registry_bytes_max)
    return fail(Code::overloaded, "the registry is full (registry_bytes_max)");
  return {};
}

void LeaseRegistry::forget(std::map<std::uint64_t, Recent>::iterator recent) {
  if (recent->second.removed) removed_bytes_ -= recent->second.removed->cost;
  recent_of_.erase(recent->second.name);
  recent_.erase(recent);
}

/// For the deltas; the oldest give way, and whoever missed them fetches all.
void LeaseRegistry::remember(const Lease& lease, std::int64_t now_ms) {
  Name name(lease.instance.app, lease.instance.key());
  if (const auto before = recent_of_.find(name); before != recent_of_.end())
    forget(recent_.find(before->second));
  Recent recent{now_ms, name, std::nullopt};
  if (lease.instance.action == Action::deleted) {
    removed_bytes_ += lease.cost;
    recent.removed = lease;
  }
  recent_of_[std::move(name)] = version_;
  recent_.emplace(version_, std::move(recent));
  if (recent_.size() > rules_.recent_max) forget(recent_.begin());
  for (auto oldest = recent_.begin(); removed_bytes_ > rules_.removed_bytes_max && oldest != recent_.end();) {
    const auto next = std::next(oldest);
    if (oldest->second.removed) forget(oldest);
    oldest = next;
  }
}

void LeaseRegistry::changed(Lease& lease, Action action, std::int64_t now_ms) {
  lease.instance.action = action;
  lease.instance.updated_ms = now_ms;
  ++version_;
  remember(lease, now_ms);
  if (tell_) tell_(lease.instance);
}

void LeaseRegistry::remember_override(const std::string& id, Status status, std::int64_t now_ms) {
  overrides_[id] = {status, now_ms};
}

/// The first rule that matches, CONTRACT of Eureka: own word, override, what is stored, own word.
Status LeaseRegistry::effective_status(const RegisteredInstance& wanted, const Lease* stored, Source source,
                                       std::int64_t now_ms) {
  if (!is_settled(wanted.status)) return wanted.status;
  if (const auto found = overrides_.find(wanted.key()); found != overrides_.end()) {
    found->second.used_ms = now_ms;
    return found->second.status;
  }
  if (source == Source::client && stored && is_settled(stored->instance.status))
    return stored->instance.status;
  return wanted.status;
}

Result<> LeaseRegistry::enroll(RegisteredInstance instance, Source source, std::int64_t now_ms,
                               std::string_view by) {
  Lease* stored = lease_of(instance.app, instance.key());
  if (!stored && size_ >= rules_.instances_max)
    return fail(Code::overloaded, "the registry is full (instances_max)");
  if (instance.dirty_ms <= 0) instance.dirty_ms = now_ms;
  std::int64_t up_ms = 0;
  if (stored) {
    up_ms = stored->instance.lease.up_ms;
    // The stored one is newer: it stays, with the lease that is asked for.
    if (stored->instance.dirty_ms > instance.dirty_ms) {
      const LeaseInfo asked = instance.lease;
      instance = stored->instance;
      instance.lease.renewal_seconds = asked.renewal_seconds;
      instance.lease.duration_seconds = asked.duration_seconds;
    }
  }
  const std::size_t cost = cost_of(instance), cost_before = stored ? stored->cost : 0;
  if (const auto ok = check_room(cost, cost_before); !ok) return ok;
  bytes_ += cost - cost_before;
  const std::string id = instance.key();
  if (instance.overridden != Status::unknown && !overrides_.contains(id))
    remember_override(id, instance.overridden, now_ms);
  instance.overridden = Status::unknown;
  if (const auto found = overrides_.find(id); found != overrides_.end())
    instance.overridden = found->second.status;
  instance.status = effective_status(instance, stored, source, now_ms);
  instance.lease.registered_ms = instance.lease.renewed_ms = now_ms;
  instance.lease.evicted_ms = 0;
  instance.lease.up_ms = up_ms != 0 ? up_ms : instance.status == Status::up ? now_ms : 0;

  const bool is_new = stored == nullptr;
  const Status before = stored ? stored->instance.status : instance.status;
  Lease& lease = apps_[instance.app][id];
  if (!is_new) count(before, -1);
  count(instance.status, 1);
  size_ += is_new ? 1u : 0u;
  lease.duration_ms = instance.lease.duration_seconds * 1000;
  lease.cost = cost;
  lease.instance = std::move(instance);
  note(now_ms, lease.instance, is_new ? "registered" : "registered again",
       by_text(name_of(lease.instance.status), by));
  changed(lease, Action::added, now_ms);
  return {};
}

Renewed LeaseRegistry::renew(std::string_view app, const std::string& id, const Renewal& renewal,
                             std::int64_t now_ms) {
  Lease* lease = lease_of(app, id);
  if (!lease || lease->instance.status == Status::unknown) return Renewed::unknown;
  RegisteredInstance& instance = lease->instance;
  // A heartbeat waits at its peer, with the override as it was then: only one of an instance that is newer
  // than ours says what we do not know. Else it would undo for ever what was dropped here meanwhile.
  const bool newer = renewal.dirty_ms && *renewal.dirty_ms > instance.dirty_ms;
  if (renewal.source == Source::peer && newer && renewal.overridden &&
      *renewal.overridden != Status::unknown && !overrides_.contains(id)) {
    remember_override(id, *renewal.overridden, now_ms);
    instance.overridden = *renewal.overridden;
  }
  const Status status = effective_status(instance, lease, renewal.source, now_ms);
  if (status != instance.status) {
    count(instance.status, -1);
    count(status, 1);
    instance.status = status;
    lease->instance.lease.renewed_ms = now_ms;
    note(now_ms, instance, "status", std::string(name_of(status)));
    changed(*lease, Action::modified, now_ms);
  }
  lease->instance.lease.renewed_ms = now_ms;
  if (!renewal.dirty_ms || *renewal.dirty_ms == instance.dirty_ms) return Renewed::ok;
  if (newer) return Renewed::unknown;
  return renewal.source == Source::peer ? Renewed::conflict : Renewed::ok;
}

void LeaseRegistry::remove(std::string_view app, const std::string& id, std::int64_t now_ms) {
  const auto found = apps_.find(app);
  const auto lease = found->second.find(id);
  lease->second.instance.lease.evicted_ms = now_ms;
  count(lease->second.instance.status, -1);
  --size_;
  bytes_ -= lease->second.cost;
  overrides_.erase(id);
  auto node = found->second.extract(lease);
  if (found->second.empty()) apps_.erase(found);
  changed(node.mapped(), Action::deleted, now_ms);
}

bool LeaseRegistry::cancel(std::string_view app, const std::string& id, std::int64_t now_ms,
                           std::string_view by) {
  const Lease* lease = lease_of(app, id);
  if (!lease) return false;
  note(now_ms, lease->instance, "left", by_text("cancelled", by));
  remove(app, id, now_ms);
  return true;
}

bool LeaseRegistry::override_status(std::string_view app, const std::string& id, Status status,
                                    std::optional<std::int64_t> dirty_ms, std::int64_t now_ms,
                                    std::string_view by) {
  Lease* lease = lease_of(app, id);
  if (!lease) return false;
  lease->instance.lease.renewed_ms = now_ms;
  RegisteredInstance& instance = lease->instance;
  if (instance.status == status) return true;
  remember_override(id, status, now_ms);
  count(instance.status, -1);
  count(status, 1);
  if (status == Status::up && instance.lease.up_ms == 0) instance.lease.up_ms = now_ms;
  instance.status = status;
  instance.overridden = status;
  if (dirty_ms && *dirty_ms > instance.dirty_ms) instance.dirty_ms = *dirty_ms;
  note(now_ms, instance, "status", by_text(std::string("set to ") + std::string(name_of(status)), by));
  changed(*lease, Action::modified, now_ms);
  return true;
}

bool LeaseRegistry::drop_override(std::string_view app, const std::string& id, std::optional<Status> fallback,
                                  std::optional<std::int64_t> dirty_ms, std::int64_t now_ms,
                                  std::string_view by) {
  Lease* lease = lease_of(app, id);
  if (!lease) return false;
  lease->instance.lease.renewed_ms = now_ms;
  if (overrides_.erase(id) == 0) return true;
  RegisteredInstance& instance = lease->instance;
  const Status status = fallback.value_or(Status::unknown);
  count(instance.status, -1);
  count(status, 1);
  instance.status = status;
  instance.overridden = Status::unknown;
  if (dirty_ms && *dirty_ms > instance.dirty_ms) instance.dirty_ms = *dirty_ms;
  note(now_ms, instance, "status",
       by_text(std::string("override dropped: ") + std::string(name_of(status)), by));
  changed(*lease, Action::modified, now_ms);
  return true;
}

Result<> LeaseRegistry::put_metadata(std::string_view app, const std::string& id, const Metadata& entries,
                                     std::int64_t now_ms) {
  Lease* lease = lease_of(app, id);
  if (!lease) return fail(Code::not_found, "there is no such instance");
  auto merged = lease->instance.metadata;
  for (const auto& [key, value] : entries) merged[key] = value;
  if (const auto ok = check_metadata(merged); !ok) return ok;
  std::swap(lease->instance.metadata, merged);
  const std::size_t cost = cost_of(lease->instance);
  if (const auto ok = check_room(cost, lease->cost); !ok) {
    std::swap(lease->instance.metadata, merged);
    return ok;
  }
  bytes_ += cost - lease->cost;
  lease->cost = cost;
  note(now_ms, lease->instance, "metadata", std::to_string(entries.size()) + " entries set");
  changed(*lease, Action::added, now_ms);
  return {};
}

/// Late is who missed a heartbeat, long before the lease ends: so all of those that fall silent together are
/// seen before the first of them could be evicted.
void LeaseRegistry::judge_preservation(std::int64_t now_ms, std::int64_t lateness_ms) {
  std::size_t late = 0;
  for (const auto& [name, app] : apps_)
    for (const auto& [id, lease] : app) {
      const std::int64_t patience =
          std::min(lease.instance.lease.renewal_seconds * 1500, lease.duration_ms) + lateness_ms;
      late += now_ms - lease.instance.lease.renewed_ms > patience ? 1u : 0u;
    }
  const bool was_active = preservation_.active;
  const std::string counted = std::to_string(late) + " of " + std::to_string(size_) + " instances are late";
  const bool many = static_cast<double>(late) > rules_.late_share_max * static_cast<double>(size_);
  preservation_.late = late;
  preservation_.instances = size_;
  preservation_.active = rules_.self_preservation && many;
  if (!rules_.self_preservation)
    preservation_.reason = "switched off (registry.self_preservation): " + counted;
  else if (many)
    preservation_.reason = counted +
                           " with their heartbeats, more than 15 %: that looks like a fault of the "
                           "network, so nobody is evicted";
  else
    preservation_.reason = counted + "; up to 15 % may be evicted";
  if (preservation_.active != was_active) preservation_.since_ms = now_ms;
}

std::size_t LeaseRegistry::evict(std::int64_t now_ms, std::int64_t lateness_ms,
                                 const std::function<std::size_t(std::size_t)>& random) {
  judge_preservation(now_ms, lateness_ms);
  if (preservation_.active) return 0;
  std::vector<std::pair<std::string, std::string>> ended;
  for (const auto& [name, app] : apps_)
    for (const auto& [id, lease] : app)
      if (now_ms > lease.instance.lease.renewed_ms + lease.duration_ms + lateness_ms)
        ended.emplace_back(name, id);
  const auto kept = static_cast<std::size_t>(static_cast<double>(size_) * (1.0 - rules_.late_share_max));
  const std::size_t evicted = std::min(ended.size(), size_ - kept);
  for (std::size_t i = 0; i < evicted; ++i) {
    std::swap(ended[i], ended[i + random(ended.size() - i)]);
    const auto& [app, id] = ended[i];
    const Lease* lease = lease_of(app, id);
    note(now_ms, lease->instance, "evicted",
         "no heartbeat for " + std::to_string((now_ms - lease->instance.lease.renewed_ms) / 1000) + " s");
    remove(app, id, now_ms);
  }
  return evicted;
}

void LeaseRegistry::sweep(std::int64_t now_ms) {
  while (!recent_.empty() && recent_.begin()->second.at_ms + rules_.recent_ms_max < now_ms)
    forget(recent_.begin());
  std::erase_if(overrides_, [&](const auto& entry) {
    return entry.second.used_ms + rules_.override_ms_max < now_ms && !find_by_id(entry.first, 0);
  });
}

std::optional<RegisteredInstance> LeaseRegistry::find(std::string_view app, const std::string& id,
                                                      std::int64_t now_ms) const {
  const Lease* lease = lease_of(app, id);
  if (!lease || now_ms > lease->instance.lease.renewed_ms + lease->duration_ms) return std::nullopt;
  return lease->instance;
}

std::optional<RegisteredInstance> LeaseRegistry::find_by_id(const std::string& id,
                                                            std::int64_t now_ms) const {
  for (const auto& [name, app] : apps_) {
    if (!app.contains(id)) continue;
    if (auto found = find(name, id, now_ms)) return found;
  }
  return std::nullopt;
}

void LeaseRegistry::each_of(std::string_view app,
                            const std::function<void(const RegisteredInstance&)>& visit) const {
  const auto found = apps_.find(app);
  if (found == apps_.end()) return;
  for (const auto& [id, lease] : found->second) visit(lease.instance);
}

void LeaseRegistry::each(const std::function<void(const RegisteredInstance&)>& visit) const {
  for (const auto& [name, app] : apps_) each_of(name, visit);
}

void LeaseRegistry::each_recent(const std::function<void(const RegisteredInstance&)>& visit) const {
  for (const auto& [order, recent] : recent_) {
    if (recent.removed)
      visit(recent.removed->instance);
    else
      look(recent.name.first, recent.name.second, visit);
  }
}

std::string LeaseRegistry::hash() const {
  std::string text;
  for (const auto& [name, instances] : by_status_)
    text.append(name).append("_").append(std::to_string(instances)).append("_");
  return text;
}

std::uint64_t LeaseRegistry::expected_per_minute() const {
  double expected = 0;
  for (const auto& [name, app] : apps_)
    for (const auto& [id, lease] : app)
      expected += 60.0 / static_cast<double>(std::max<std::int64_t>(1, lease.instance.lease.renewal_seconds));
  return static_cast<std::uint64_t>(expected);
}

}  // namespace market::registry
