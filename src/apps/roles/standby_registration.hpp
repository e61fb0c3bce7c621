#pragma once
/// Tells the registry whether this instance can sell: one that stands by is OUT_OF_SERVICE, so that gateways
/// send it nothing, and UP from the moment on at which it writes the shared log.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "adapters/eureka/registry_client.hpp"

namespace market::apps {

class StandbyRegistration {
 public:
  /// `stands_by` is asked again and again. Before discovery.start(): the first registration says it already.
  StandbyRegistration(eureka::RegistryClient& discovery, std::function<bool()> stands_by);
  ~StandbyRegistration() { stop(); }
  /// From here on the registration is the caller's.
  void stop();

 private:
  void run();

  eureka::RegistryClient& discovery_;
  const std::function<bool()> stands_by_;
  bool out_of_service_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::apps
