#include "services/gateway/balancer.hpp"

#include <algorithm>

namespace market::gateway {
namespace {

/// Beyond, others read and answer the requests, and hand the commands on.
constexpr int decider_in_flight_max = 1'000;

}  // namespace

std::shared_ptr<const Balancer::View> Balancer::view(std::int64_t now_ms) {
  // Each thread keeps what it saw last: a request costs no shared lock.
  struct Seen {
    const Balancer* of = nullptr;
    std::shared_ptr<const View> view;
  };
  thread_local Seen seen;
  auto list = discovery_.services();
  const auto generation = generation_.load(std::memory_order_acquire);
  if (seen.of == this && seen.view && seen.view->of == list && seen.view->generation == generation)
    return seen.view;
  seen.of = this;
  seen.view = rebuilt(std::move(list), now_ms);
  return seen.view;
}

bool Balancer::has(const Pool& pool, const ServiceInstance& instance) {
  const auto same = [&instance](const BackendPtr& other) {
    return other->host == instance.host && other->port == instance.port;
  };
  return std::any_of(pool.near.begin(), pool.near.end(), same) ||
         std::any_of(pool.far.begin(), pool.far.end(), same);
}

/// The same object as before for the same address: it remembers how the instance has behaved.
BackendPtr Balancer::known(const ServiceInstance& instance, std::int64_t now_ms) {
  const auto* const allowed = instance.registered ? allowed_ : nullptr;
  const std::string health_path = instance.health_path.empty() ? "/health/ready" : instance.health_path;
  if (newest_)
    if (const auto before = newest_->services.find(instance.service); before != newest_->services.end())
      for (const auto* some : {&before->second.near, &before->second.far})
        for (const auto& other : *some)
          if (other->host == instance.host && other->port == instance.port && other->allowed == allowed &&
              other->address == instance.address && other->health_path == health_path)
            return other;
  // What is there at the start has served before us: only a newcomer starts slowly.
  auto fresh = std::make_shared<Backend>(instance.service, instance.host, instance.port, health_path,
                                         newest_ ? now_ms : 0, allowed, instance.address);
  fresh->places = places_of(instance.host, instance.port);
  return fresh;
}

/// One process may be several services, and may come and go in the list while its streams live.
std::shared_ptr<ReadersPlaces> Balancer::places_of(const std::string& host, std::uint16_t port) {
  std::erase_if(places_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = places_[{host, port}];
  auto places = known.lock();
  if (!places) known = places = std::make_shared<ReadersPlaces>();
  return places;
}

std::shared_ptr<const Balancer::View> Balancer::rebuilt(std::shared_ptr<const ServiceList> list,
                                                        std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const auto generation = generation_.load(std::memory_order_relaxed);
  if (newest_ && newest_->of == list && newest_->generation == generation) return newest_;
  auto view = std::make_shared<View>();
  view->of = list;
  view->generation = generation;
  if (list) {
    for (const auto& [name, instances] : list->services) {
      auto& pool = view->services[name];
      for (const auto& instance : instances) {
        if (instance.status != InstanceStatus::up) continue;
        if (has(pool, instance)) continue;  // Registered twice: one address is one instance.
        const bool far = !zone_.empty() && instance.zone != zone_;
        (far ? pool.far : pool.near).push_back(known(instance, now_ms));
      }
    }
  }
  newest_ = view;
  return view;
}

void Balancer::apply(std::string zone, const http::AllowedAddresses* allowed) {
  const std::lock_guard lock(mutex_);
  zone_ = std::move(zone);
  allowed_ = allowed;
  generation_.fetch_add(1, std::memory_order_release);
}

BackendPtr Balancer::pick(const std::vector<BackendPtr>& from, std::span<const BackendPtr> tried,
                          std::int64_t now_ms, std::uint64_t random, Want want, LastHope& last_hope) const {
  const auto is_tried = [tried](const BackendPtr& instance) {
    return std::find(tried.begin(), tried.end(), instance) != tried.end();
  };
  std::array<const BackendPtr*, 64> healthy;
  std::size_t count = 0;
  const std::size_t begin = from.empty() ? 0 : random % from.size();
  for (std::size_t i = 0; i < from.size() && count < healthy.size(); ++i) {
    const auto& instance = from[(begin + i) % from.size()];
    if (is_tried(instance)) {
      last_hope.is_due = last_hope.is_due && instance->is_ejected();
      continue;
    }
    if (!instance->is_ejected()) {
      if (want == Want::decider && instance->decides(now_ms) &&
          instance->in_flight.load(std::memory_order_relaxed) < decider_in_flight_max)
        return instance;
      healthy[count++] = &instance;
    } else if (!instance->is_dead() && !last_hope.instance)
      last_hope.instance = instance;
  }
  if (count == 0) return nullptr;
  if (count == 1) return *healthy[0];
  const auto& first = *healthy[0];
  const auto& second = *healthy[1 + (random >> 32) % (count - 1)];
  return first->load(limits(), now_ms) <= second->load(limits(), now_ms) ? first : second;
}

BackendPtr Balancer::choose(const std::string& service, std::span<const BackendPtr> tried,
                            std::int64_t now_ms, std::uint64_t random, Want want) {
  const auto now = view(now_ms);
  const auto found = now->services.find(service);
  if (found == now->services.end()) return nullptr;
  LastHope last_hope;
  for (const auto* some : {&found->second.near, &found->second.far})
    if (auto picked = pick(*some, tried, now_ms, random, want, last_hope)) return picked;
  return last_hope.is_due || want == Want::anybody ? last_hope.instance : nullptr;
}

bool Balancer::leads_to(const BackendPtr& instance, std::int64_t now_ms) {
  if (instance->service.empty()) return true;
  const auto now = view(now_ms);
  const auto found = now->services.find(instance->service);
  if (found == now->services.end()) return false;
  const auto has_it = [&instance](const std::vector<BackendPtr>& some) {
    return std::find(some.begin(), some.end(), instance) != some.end();
  };
  return has_it(found->second.near) || has_it(found->second.far);
}

bool Balancer::has_instance(const std::string& service) const {
  std::vector<BackendPtr> known;
  {
    const std::lock_guard lock(mutex_);
    if (newest_ && newest_->of == discovery_.services()) {
      const auto found = newest_->services.find(service);
      if (found == newest_->services.end()) return false;
      known = found->second.near;
      known.insert(known.end(), found->second.far.begin(), found->second.far.end());
      return std::any_of(known.begin(), known.end(),
                         [](const auto& instance) { return !instance->is_dead(); });
    }
  }
  const auto list = discovery_.services();  // Nobody has asked since it changed.
  const auto found = list ? list->services.find(service) : decltype(list->services.end())();
  return list && found != list->services.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [](const ServiceInstance& instance) { return instance.status == InstanceStatus::up; });
}

BackendPtr Balancer::fixed(const std::string& host, std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  auto& instance = fixed_[{host, port}];
  if (!instance) {
    instance = std::make_shared<Backend>("", host, port, "/", 0);
    instance->places = places_of(host, port);
  }
  return instance;
}

std::vector<BackendPtr> Balancer::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<BackendPtr> all;
  if (newest_)
    for (const auto& [name, pool] : newest_->services)
      for (const auto* some : {&pool.near, &pool.far}) all.insert(all.end(), some->begin(), some->end());
  for (const auto& [address, instance] : fixed_) all.push_back(instance);
  return all;
}

}  // namespace market::gateway
