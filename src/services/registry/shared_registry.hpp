#pragma once
/// The one registry of a process, for all threads: the rules of domain/lease_registry under a lock, the
/// cached answers, and the feed of changes.

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <set>

#include "base/time.hpp"
#include "domain/registry/lease_registry.hpp"
#include "http/message/allowed_addresses.hpp"
#include "services/registry/change_feed.hpp"
#include "wire/eureka/eureka_xml.hpp"

namespace market::registry {

enum class Format : std::uint8_t { json, xml };

struct RegistryCounts {
  std::atomic<std::uint64_t> registrations{0}, renewals{0}, cancellations{0}, evictions{0}, refused{0};
};

class SharedRegistry {
 public:
  SharedRegistry(const LeaseRules& rules, const Clock& clock, Millis cache_life,
                 http::AllowedAddresses allowed = http::AllowedAddresses());

  /// Whether all clients may be told of it, whoever tells of it here: its form (check_registration), and
  /// where it says it is. Errors: validation, payload_too_large. Logged once an instance.
  Result<> admit(const RegisteredInstance& instance);

  /// Calls `use(registry, now_ms)` under the lock and answers its answer.
  template <class Use>
  auto with(Use use) {
    const std::lock_guard lock(mutex_);
    return use(leases_, now_ms());
  }

  using Body = std::shared_ptr<const std::string>;
  enum class View : std::uint8_t { all, recent, vip, secure_vip };
  /// `name` is the address of the vip views. Kept until something changes, at most the cache's life.
  Body applications(View view, const std::string& name, Format format, wire::eureka::Detail detail);
  /// Nullptr: there is no such application.
  Body application(const std::string& app, Format format, wire::eureka::Detail detail);

  /// An event of the push stream that holds everything, and the version it stands at.
  std::pair<std::string, std::uint64_t> whole_list();

  void renewed();
  /// Heartbeats of the last full minute.
  std::uint64_t renewals_last_minute() const;
  /// One look for ended leases; `lateness` is how much later than planned it comes.
  void evict(Millis lateness);
  void sweep();

  ChangeFeed& feed() { return feed_; }
  RegistryCounts& counts() { return counts_; }
  std::int64_t now_ms() const { return clock_.now().time_since_epoch().count(); }
  bool ready() const { return ready_.load(std::memory_order_relaxed); }
  void set_ready(bool ready) { ready_.store(ready, std::memory_order_relaxed); }

 private:
  struct Cached {
    std::uint64_t version = 0;
    std::int64_t made_ms = 0;
    Body body;
  };
  static constexpr std::size_t cached_max = 1'000;
  static constexpr std::size_t cached_bytes_max = 256 * 1024 * 1024;  ///< Of all; larger ones are not kept.
  static constexpr std::size_t refused_max = 1'000;
  /// Counts a refusal, and logs it once an instance.
  void refused(const RegisteredInstance& instance, std::string_view why);
  template <class Make>
  Body cached(std::string key, Make make);

  const Clock& clock_;
  const std::int64_t cache_ms_;
  const http::AllowedAddresses allowed_;
  std::mutex refused_mutex_;
  std::set<std::string> refused_;  ///< Whose refusal was logged.
  std::mutex mutex_;
  LeaseRegistry leases_;
  std::map<std::string, Cached> cache_;
  std::size_t cached_bytes_ = 0;
  ChangeFeed feed_;
  RegistryCounts counts_;
  std::atomic<bool> ready_{true};
  std::minstd_rand random_{std::random_device{}()};
  mutable std::atomic<std::int64_t> minute_{0};
  mutable std::atomic<std::uint64_t> this_minute_{0}, last_minute_{0};
  void turn_minute() const;
};

}  // namespace market::registry
