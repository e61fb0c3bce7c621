#pragma once
/// The registry's parts for whichever role holds it: rules, peers, its clockwork, its context and numbers.

#include <condition_variable>

#include "apps/roles/background_thread.hpp"
#include "apps/settings/settings.hpp"
#include "services/platform/metrics_text.hpp"
#include "services/registry/handlers.hpp"

namespace market::apps {

/// Looks for ended leases and forgets old changes, on a thread of its own.
class EvictionTimer {
 public:
  EvictionTimer(registry::SharedRegistry& registry, Millis interval);
  ~EvictionTimer();

 private:
  void run();
  registry::SharedRegistry& registry_;
  const Millis interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Throws UsageError: registry.peers, registry.credential.
void check_registry_settings(const Settings& settings);

class RegistryParts {
 public:
  /// What of registry.peers means this registry itself is left out. Throws UsageError.
  RegistryParts(const Settings& settings, const Clock& clock, const std::string& own_host,
                std::uint16_t own_port);
  ~RegistryParts();
  void add_routes(http::Router& router);
  void add_metrics(platform::MetricsText& metrics);
  /// Why it is not ready; nullopt when it is.
  std::optional<std::string> not_ready() const;
  void start() { peers_.start(); }
  /// Takes over what the process at this address knows, whose place this one takes. Throws UsageError.
  void learn_from(const std::string& host, std::uint16_t port);

 private:
  registry::SharedRegistry registry_;
  BackgroundThread background_;
  registry::Peers peers_;
  std::string authorization_;
  bool public_reads_;
  EvictionTimer eviction_timer_;
};

}  // namespace market::apps
