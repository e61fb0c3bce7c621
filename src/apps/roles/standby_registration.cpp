#include "apps/roles/standby_registration.hpp"

namespace market::apps {

StandbyRegistration::StandbyRegistration(eureka::RegistryClient& discovery, std::function<bool()> stands_by)
    : discovery_(discovery), stands_by_(std::move(stands_by)), out_of_service_(stands_by_()) {
  if (out_of_service_) discovery_.withdraw();
  thread_ = std::thread([this] { run(); });
}

void StandbyRegistration::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void StandbyRegistration::run() {
  constexpr Millis look_again{20};  // Buyers wait for it when the writer has died.
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_again, [this] { return stopping_; })) {
    const bool stands_by = stands_by_();
    if (stands_by == out_of_service_) continue;
    out_of_service_ = stands_by;
    lock.unlock();
    if (stands_by)
      discovery_.withdraw();
    else
      discovery_.offer();
    lock.lock();
  }
}

}  // namespace market::apps
