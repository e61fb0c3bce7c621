#include "services/registry/shared_registry.hpp"

#include <spdlog/spdlog.h>

#include "http/message/sse.hpp"
#include "wire/eureka/registration_check.hpp"

namespace market::registry {

using wire::eureka::Detail;

SharedRegistry::SharedRegistry(const LeaseRules& rules, const Clock& clock, Millis cache_life,
                               http::AllowedAddresses allowed)
    : clock_(clock), cache_ms_(cache_life.count()), allowed_(std::move(allowed)), leases_(rules) {
  leases_.on_change([this](const RegisteredInstance& instance) {
    const auto data = wire::eureka::json_change(leases_.version(), instance);
    feed_.add(leases_.version(), http::sse_event("change", data));
  });
}

Result<> SharedRegistry::admit(const RegisteredInstance& instance) {
  auto formed = wire::eureka::check_registration(instance);
  if (!formed) {
    refused(instance, formed.error().detail);
    return formed;
  }
  std::string why = allowed_.refusal_of_instance(instance.host, instance.ip);
  if (why.empty()) return {};
  refused(instance, why);
  return fail(Code::validation, std::move(why));
}

void SharedRegistry::refused(const RegisteredInstance& instance, std::string_view why) {
  ++counts_.refused;
  // Its names may be what is wrong with it.
  const auto shown = [](const std::string& name) -> std::string_view {
    return wire::eureka::is_path_name(name) ? std::string_view(name) : "(an unreadable name)";
  };
  const std::string_view app = shown(instance.app), key = shown(instance.key());
  const std::lock_guard lock(refused_mutex_);
  if (refused_.size() >= refused_max) refused_.clear();
  if (refused_.insert(std::string(app).append("/").append(key)).second)
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
  if (found != cache_.end()) {
    cached_bytes_ -= found->second.body->size();
    cache_.erase(found);
  }
  auto text = make();
  if (text.empty()) return nullptr;
  const std::size_t bytes = text.size();
  if (cache_.size() >= cached_max || cached_bytes_ + bytes > cached_bytes_max) {
    cache_.clear();
    cached_bytes_ = 0;
  }
  const auto body = std::make_shared<const std::string>(std::move(text));
  if (bytes > cached_bytes_max) return body;
  cached_bytes_ += bytes;
  cache_[std::move(key)] = {leases_.version(), now, body};
  return body;
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
    leases.each([&](const RegisteredInstance& instance) { builder.add(instance); });
    return builder.finish("1", leases.hash());
  }
  if (view == recent) {
    std::map<std::string, std::vector<RegisteredInstance>> by_app;
    leases.each_recent([&](const RegisteredInstance& instance) { by_app[instance.app].push_back(instance); });
    for (const auto& [app, instances] : by_app)
      for (const RegisteredInstance& instance : instances) builder.add(instance);
    return builder.finish(std::to_string(leases.version()), leases.hash());
  }
  std::map<std::string_view, std::size_t> by_status;
  leases.each([&](const RegisteredInstance& instance) {
    if (!names((view == vip ? instance.vip : instance.secure_vip).value_or(""), name)) return;
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
    std::vector<RegisteredInstance> instances;
    leases_.each_of(app, [&](const RegisteredInstance& instance) { instances.push_back(instance); });
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
