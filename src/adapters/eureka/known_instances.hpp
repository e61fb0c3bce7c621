#pragma once
/// The list a client holds: full fetches, deltas and pushed changes in, snapshots out.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/time.hpp"
#include "http/message/allowed_addresses.hpp"
#include "ports/discovery.hpp"
#include "wire/eureka/eureka_json.hpp"

namespace market::eureka {

class KnownInstances {
 public:
  explicit KnownInstances(const Clock& clock, http::AllowedAddresses allowed = http::AllowedAddresses())
      : clock_(clock), allowed_(std::move(allowed)) {}

  /// Any thread; a look at memory.
  std::shared_ptr<const ServiceList> list() const { return std::atomic_load(&list_); }

  // On one thread from here on.

  /// A whole list. What it no longer has is dropped; but a registry that suddenly knows far less (it was
  /// restarted and empty) is not believed at once: the missing ones stay for `grace`, time for them to
  /// register again.
  void replace(std::vector<registry::Instance> instances);
  void apply(const registry::Instance& change);
  /// Drops what was only kept out of doubt and has not come back in time.
  void drop_doubtful();
  /// As the registry counts it; doubtful ones are left out.
  std::string hash() const;
  bool empty() const { return instances_.empty(); }
  /// Makes the changes visible; without those that may not be where they say, whichever registry lists them.
  void publish();

 private:
  static constexpr Millis grace{90'000};
  struct Known {
    registry::Instance instance;
    Instant doubtful_until{};  ///< Zero: the registry has it.
  };
  const Clock& clock_;
  const http::AllowedAddresses allowed_;
  std::set<std::pair<std::string, std::string>> refused_;  ///< Logged already.
  std::map<std::pair<std::string, std::string>, Known> instances_;
  std::shared_ptr<const ServiceList> list_ = std::make_shared<ServiceList>();
  std::uint64_t version_ = 0;
  bool changed_ = false;
};

}  // namespace market::eureka
