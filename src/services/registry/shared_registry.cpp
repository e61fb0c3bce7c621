#include "services/registry/shared_registry.hpp"

#include <spdlog/spdlog.h>

#include "http/message/sse.hpp"

namespace market::registry {

using wire::eureka::Detail;

SharedRegistry::SharedRegistry(const LeaseRules& rules, const Clock& clock, Millis cache_life,
                               http::AllowedAddresses allowed)
    : clock_(clock), cache_ms_(cache_life.count()), allowed_(std::move(allowed)), leases_(rules) {
  leases_.on_change([this](const Instance& instance) {
    std::string data = "{\"version\":" + std::to_string(leases_.version()) + ",\"instance\":";
    wire::eureka::append_json(data, instance, Detail::full);
    data += '}';
    feed_.add(leases_.version(), http::sse_event("change", data));
  });
}

Result<> SharedRegistry::admit(const Instance& instance) {
  std::string why = allowed_.refusal_of_instance(instance.host, instance.ip);
  if (why.empty()) return {};
  refused(instance.app, instance.key(), why);
  return fail(Code::validation, std::move(why));
}

void SharedRegistry::refused(const std::string& app, const std::string& key, std::string_view why) {
  ++counts_.refused;
  const std::lock_guard lock(refused_mutex_);
  if (refused_.size() >= refused_max) refused_.clear();
  if (refused_.insert(app + "/" + key).second)
    spdlog::warn("registry: {} of {} is refused: {}", key, app, why);
}

template <class Make>
SharedRegistry::Body SharedRegistry::cached(std::string key, Make make) {
  const std::lock_guard lock(mutex_);
  const auto now = now_ms();
  const auto found = cache_.find(key);
  if (found != cache_.end() && found->second.version == leases_.version() &&
      now - found->second.made_ms < cache_ms_)
    return found->second.body;
  if (cache_.size() >= cached_max) cache_.clear();
  auto text = make();
  if (text.empty()) return nullptr;
  Cached& entry = cache_[std::move(key)];
  entry = {leases_.version(), now, std::make_shared<const std::string>(std::move(text))};
  return entry.body;
}

namespace {

/// The list is comma-separated; names are compared exactly.
bool names(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == name) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

/// Every instance of the view, grouped by application.
template <class Builder>
std::string build(const LeaseRegistry& leases, SharedRegistry::View view, const std::string& name,
                  Detail detail) {
  using enum SharedRegistry::View;
  Builder builder(detail);
  if (view == all) {
    leases.each([&](const Instance& instance) { builder.add(instance); });
    return builder.finish("1", leases.hash());
  }
  if (view == recent) {
    std::map<std::string, std::vector<Instance>> by_app;
    leases.each_recent([&](const Instance& instance) { by_app[instance.app].push_back(instance); });
    for (const auto& [app, instances] : by_app)
      for (const Instance& instance : instances) builder.add(instance);
    return builder.finish(std::to_string(leases.version()), leases.hash());
  }
  std::map<std::string_view, std::size_t> by_status;
  leases.each([&](const Instance& instance) {
    if (!names(view == vip ? instance.vip : instance.secure_vip, name)) return;
    builder.add(instance);
    ++by_status[name_of(instance.status)];
  });
  std::string hash;
  for (const auto& [status, count] : by_status)
    hash.append(status).append("_").append(std::to_string(count)).append("_");
  return builder.finish("-1", hash);
}

std::string key_of(char kind, Format format, Detail detail, const std::string& name) {
  std::string key{kind, format == Format::json ? 'j' : 'x', detail == Detail::full ? 'f' : 'c'};
  return key + name;
}

}  // namespace

SharedRegistry::Body SharedRegistry::applications(View view, const std::string& name, Format format,
                                                  Detail detail) {
  const auto kind = static_cast<char>('0' + static_cast<int>(view));
  return cached(key_of(kind, format, detail, name), [&] {
    return format == Format::json ? build<wire::eureka::JsonApplications>(leases_, view, name, detail)
                                  : build<wire::eureka::XmlApplications>(leases_, view, name, detail);
  });
}

SharedRegistry::Body SharedRegistry::application(const std::string& app, Format format, Detail detail) {
  return cached(key_of('a', format, detail, app), [&]() -> std::string {
    std::vector<Instance> instances;
    leases_.each_of(app, [&](const Instance& instance) { instances.push_back(instance); });
    if (instances.empty()) return {};
    return format == Format::json ? wire::eureka::json_application(app, instances, detail)
                                  : wire::eureka::xml_application(app, instances, detail);
  });
}

std::pair<std::string, std::uint64_t> SharedRegistry::whole_list() {
  const std::lock_guard lock(mutex_);
  const auto text = build<wire::eureka::JsonApplications>(leases_, View::all, {}, Detail::full);
  return {http::sse_event("list", text), leases_.version()};
}

void SharedRegistry::turn_minute() const {
  constexpr std::int64_t minute_ms = 60'000;
  const auto now = now_ms() / minute_ms;
  auto known = minute_.load(std::memory_order_relaxed);
  if (known == now || !minute_.compare_exchange_strong(known, now)) return;
  const auto counted = this_minute_.exchange(0);
  last_minute_.store(known + 1 == now ? counted : 0);
}

void SharedRegistry::renewed() {
  turn_minute();
  this_minute_.fetch_add(1, std::memory_order_relaxed);
  counts_.renewals.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t SharedRegistry::renewals_last_minute() const {
  turn_minute();
  return last_minute_.load(std::memory_order_relaxed);
}

void SharedRegistry::evict(Millis lateness) {
  const std::lock_guard lock(mutex_);
  const auto pick = [this](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  };
  counts_.evictions += leases_.evict(now_ms(), lateness.count(), pick);
}

void SharedRegistry::sweep() {
  const std::lock_guard lock(mutex_);
  leases_.sweep(now_ms());
}

}  // namespace market::registry
