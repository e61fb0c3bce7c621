#pragma once
/// The list a client holds: full fetches, deltas and pushed changes in, snapshots out.

#include <atomic>
#include <map>
#include <memory>
#include <optional>
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

  /// A whole list. What it no longer has is dropped; but a registry that suddenly lacks more than half of
  /// them (it was restarted) is not believed at once: the missing ones stay for `grace`, time for them to
  /// register again.
  void replace(std::vector<registry::RegisteredInstance> instances);
  /// A removal counts at once: whoever has that address next is somebody else.
  void apply(const registry::RegisteredInstance& change);
  /// Drops what was only kept out of doubt and has not come back in time.
  void drop_doubtful();
  /// As the registry counts it; doubtful ones are left out.
  std::string hash() const;
  bool empty() const { return instances_.empty(); }
  /// Makes the changes visible; without those that may not be where they say, whichever registry lists them,
  /// and without those that listen with TLS alone. An instance is found under each name of its VIP; under its
  /// application's where no VIP has that name.
  void publish();
  /// Where instances may be, from now on.
  void set_allowed(http::AllowedAddresses allowed);

 private:
  static constexpr Millis grace{90'000};
  struct Known {
    registry::RegisteredInstance instance;
    Instant doubtful_until{};  ///< Zero: the registry has it.
  };
  const Clock& clock_;
  using Name = std::pair<std::string, std::string>;  ///< Application and id.
  /// Nullopt: it can be called. Else why it cannot.
  std::optional<std::string> refusal_of(const registry::RegisteredInstance& instance) const;

  http::AllowedAddresses allowed_;
  std::set<Name> refused_;  ///< Logged already.
  std::map<Name, Known> instances_;
  std::shared_ptr<const ServiceList> list_ = std::make_shared<ServiceList>();
  std::uint64_t version_ = 0;
  bool changed_ = false;
};

}  // namespace market::eureka
