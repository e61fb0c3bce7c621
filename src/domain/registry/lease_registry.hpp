#pragma once
/// The registry's rules: leases, heartbeats, overrides, eviction, self-preservation, recent changes. Pure:
/// the time comes with each call. Not thread-safe.
///
///   LeaseRegistry registry(rules);
///   registry.enroll(instance, Source::client, now_ms);
///   registry.renew("PRODUCT", id, Renewal{}, now_ms);

#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "domain/registry/registered_instance.hpp"

namespace market::registry {

enum class Source : std::uint8_t { client, peer };

struct LeaseRules {
  bool self_preservation = true;
  /// More than this share of late instances at once is taken for a fault of the network.
  double late_share_max = 0.15;
  std::size_t instances_max = 50'000;
  std::size_t registry_bytes_max = 192 * 1024 * 1024;  ///< By cost_of, of all instances together.
  std::size_t removed_bytes_max = 16 * 1024 * 1024;  ///< The same of the removed ones that a delta tells of.
  std::size_t recent_max = 100'000;                  ///< Changes remembered for deltas.
  std::size_t history_max = 1'000;                   ///< Comings and goings remembered for people.
  std::int64_t recent_ms_max = 180'000;              ///< How long a change stays in the delta.
  std::int64_t override_ms_max = 3'600'000;          ///< An override without an instance, since its last use.
};

/// What a heartbeat says beside whose it is.
struct Renewal {
  std::optional<std::int64_t> dirty_ms;
  std::optional<Status> overridden;
  Source source = Source::client;
};
enum class Renewed : std::uint8_t { ok, unknown, conflict };

/// Who came or went, and why; newest last.
struct HistoryEntry {
  std::int64_t at_ms = 0;
  std::string app, id;
  std::string what;  ///< registered, returned, cancelled, evicted, status, metadata
  std::string why;
};

struct Preservation {
  bool active = false;
  std::string reason;  ///< Why it is active, or why not.
  std::size_t late = 0, instances = 0;
  std::int64_t since_ms = 0;
};

class LeaseRegistry {
 public:
  explicit LeaseRegistry(const LeaseRules& rules) : rules_(rules) {}

  /// Errors: overloaded when the registry is full: too many instances, or too many bytes of them.
  Result<> enroll(RegisteredInstance instance, Source source, std::int64_t now_ms, std::string_view by = {});
  Renewed renew(std::string_view app, const std::string& id, const Renewal& renewal, std::int64_t now_ms);
  bool cancel(std::string_view app, const std::string& id, std::int64_t now_ms, std::string_view by = {});
  bool override_status(std::string_view app, const std::string& id, Status status,
                       std::optional<std::int64_t> dirty_ms, std::int64_t now_ms, std::string_view by = {});
  /// The status becomes `fallback`, or UNKNOWN: the instance's next heartbeat is refused and it registers.
  bool drop_override(std::string_view app, const std::string& id, std::optional<Status> fallback,
                     std::optional<std::int64_t> dirty_ms, std::int64_t now_ms, std::string_view by = {});
  /// Errors: not_found; payload_too_large when it has too much with these; overloaded when the registry is
  /// full. After an error nothing is changed.
  Result<> put_metadata(std::string_view app, const std::string& id, const Metadata& entries,
                        std::int64_t now_ms);

  /// Removes ended leases, at most 15 % in one run, chosen by `random(n)` in 0..n-1. `lateness_ms` of the
  /// timer is given to every lease. Answers how many went.
  std::size_t evict(std::int64_t now_ms, std::int64_t lateness_ms,
                    const std::function<std::size_t(std::size_t)>& random);
  /// Forgets old changes and unused overrides.
  void sweep(std::int64_t now_ms);

  // Reading. The instances answered carry their newest lease numbers.
  std::optional<RegisteredInstance> find(std::string_view app, const std::string& id,
                                         std::int64_t now_ms) const;
  std::optional<RegisteredInstance> find_by_id(const std::string& id, std::int64_t now_ms) const;
  /// As stored, whether its lease has ended or not; cheaper than find().
  void look(std::string_view app, const std::string& id,
            const std::function<void(const RegisteredInstance&)>& visit) const {
    if (const Lease* lease = lease_of(app, id)) visit(lease->instance);
  }
  /// Each instance, grouped by application in order of names.
  void each(const std::function<void(const RegisteredInstance&)>& visit) const;
  void each_of(std::string_view app, const std::function<void(const RegisteredInstance&)>& visit) const;
  /// What changed lately, oldest first, one entry an instance.
  void each_recent(const std::function<void(const RegisteredInstance&)>& visit) const;
  std::string hash() const;
  /// Rises with each change that a client can see.
  std::uint64_t version() const { return version_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_ + removed_bytes_; }
  const std::deque<HistoryEntry>& history() const { return history_; }
  const Preservation& preservation() const { return preservation_; }
  std::uint64_t expected_per_minute() const;
  /// Called at each change, with the changed instance.
  void on_change(std::function<void(const RegisteredInstance&)> tell) { tell_ = std::move(tell); }

 private:
  struct Lease {
    RegisteredInstance instance;
    std::int64_t duration_ms = 0;
    std::size_t cost = 0;
  };
  struct Override {
    Status status = Status::unknown;
    std::int64_t used_ms = 0;
  };
  using App = std::map<std::string, Lease>;
  using Name = std::pair<std::string, std::string>;  ///< Application and id.
  struct Recent {
    std::int64_t at_ms = 0;
    Name name;
    std::optional<Lease> removed;  ///< Else it is the registered one, as it is now.
  };

  Lease* lease_of(std::string_view app, const std::string& id);
  const Lease* lease_of(std::string_view app, const std::string& id) const;
  Status effective_status(const RegisteredInstance& wanted, const Lease* stored, Source source,
                          std::int64_t now_ms);
  void remember_override(const std::string& id, Status status, std::int64_t now_ms);
  void changed(Lease& lease, Action action, std::int64_t now_ms);
  /// Whether `wanted` fits in place of what `cost` was counted for. Errors: overloaded.
  Result<> check_room(std::size_t wanted, std::size_t cost) const;
  void remember(const Lease& lease, std::int64_t now_ms);
  void forget(std::map<std::uint64_t, Recent>::iterator recent);
  void remove(std::string_view app, const std::string& id, std::int64_t now_ms);
  void note(std::int64_t now_ms, const RegisteredInstance& instance, std::string what, std::string why);
  void judge_preservation(std::int64_t now_ms, std::int64_t lateness_ms);
  void count(Status status, int by);

  LeaseRules rules_;
  std::map<std::string, App, std::less<>> apps_;
  std::unordered_map<std::string, Override> overrides_;
  std::map<std::string_view, std::size_t> by_status_;
  std::size_t size_ = 0, bytes_ = 0, removed_bytes_ = 0;
  std::uint64_t version_ = 1;
  std::map<Name, std::uint64_t> recent_of_;
  std::map<std::uint64_t, Recent> recent_;  ///< By the version that it came with.
  std::deque<HistoryEntry> history_;
  Preservation preservation_;
  std::function<void(const RegisteredInstance&)> tell_;
};

}  // namespace market::registry
