#pragma once
/// One instance of a service and how it has behaved. Any thread.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "http/message/allowed_addresses.hpp"
#include "services/platform/stream_budget.hpp"

namespace market::gateway {

enum class Fault : std::uint8_t {
  not_connected,  ///< Nobody listens there: no request goes there until a probe succeeds.
  broke_off,      ///< A connection died, an answer was malformed.
  bad_answer,     ///< 500, 502, 504, a time-out: only several in a row count.
};

/// What is read from one address at its readers' pace, whichever services have it.
struct ReadersPlaces {
  platform::StreamBudget event_streams, long_answers;
};
/// One of them: how it is called, its places, and how many there are.
struct ReadersKind {
  std::string_view name;
  platform::StreamBudget ReadersPlaces::*places;
  std::size_t most;
};

struct BackendLimits {
  int bad_answers_max = 5;
  Millis first_ejection{250};
  Millis ejection_max{30'000};
  Millis slow_start{10'000};  ///< A fresh instance gets its full share only then.
};

class Backend {
 public:
  Backend(std::string service, std::string host, std::uint16_t port, std::string health_path,
          std::int64_t since_ms, const http::AllowedAddresses* allowed = nullptr, std::string address = {})
      : service(std::move(service)),
        host(std::move(host)),
        port(port),
        health_path(std::move(health_path)),
        allowed(allowed),
        address(std::move(address)),
        fresh_since_ms_(since_ms) {}

  const std::string service, host;
  const std::uint16_t port;
  const std::string health_path;                ///< What a probe asks for.
  const http::AllowedAddresses* const allowed;  ///< What its host's name may mean; null: anything.
  const std::string address;                    ///< Called when the host's name does not resolve; or empty.
  /// Of its address. Set before anybody sees it.
  std::shared_ptr<ReadersPlaces> places = std::make_shared<ReadersPlaces>();
  std::atomic<int> in_flight{0};
  std::atomic<std::uint64_t> requests{0}, faults{0};

  bool is_ejected() const { return ejected_.load(std::memory_order_acquire); }
  /// Nothing listens there; without that, an ejected one is still better than none.
  bool is_dead() const { return dead_.load(std::memory_order_relaxed); }
  void succeeded() {
    if (bad_in_a_row_.load(std::memory_order_relaxed) != 0) bad_in_a_row_.store(0, std::memory_order_relaxed);
  }
  void failed(Fault fault, const BackendLimits& limits, std::int64_t now_ms);
  /// It has answered 503: it works, and wants less. Others get more for a moment, whoever they are; when all
  /// say so, all are alike again. Without that, whoever refuses at once would always have the least to do.
  void refused(std::int64_t now_ms);
  bool probe_is_due(std::int64_t now_ms) const {
    return is_ejected() && now_ms >= probe_at_ms_.load(std::memory_order_relaxed);
  }
  /// Whether it is the one that decides orders, as far as its answers say.
  bool decides(std::int64_t now_ms) const {
    return now_ms < decided_at_ms_.load(std::memory_order_relaxed) + decides_for_ms;
  }
  void has_decided(std::int64_t now_ms) {
    if (now_ms > decided_at_ms_.load(std::memory_order_relaxed) + decides_for_ms / 16)
      decided_at_ms_.store(now_ms, std::memory_order_relaxed);
  }
  /// What a probe found.
  void probed(bool alive, const BackendLimits& limits, std::int64_t now_ms);
  /// Requests under way, weighed by how much this one can take yet: the smaller, the better.
  double load(const BackendLimits& limits, std::int64_t now_ms) const;

 private:
  void eject(Fault fault, const BackendLimits& limits, std::int64_t now_ms);
  /// What is left of its refusals, in requests under way.
  double refusals(std::int64_t now_ms) const;
  std::atomic<bool> ejected_{false}, dead_{false};
  std::atomic<int> bad_in_a_row_{0}, ejections_{0};
  std::atomic<std::int64_t> probe_at_ms_{0}, fresh_since_ms_;
  static constexpr std::int64_t decides_for_ms = 4'000;  ///< It may be another's turn by then.
  std::atomic<std::int64_t> decided_at_ms_{-decides_for_ms};
  static constexpr double refusal_weight = 16, refusals_max = 256;  ///< As so many requests under way.
  static constexpr double refusal_half_life_ms = 500;
  std::atomic<double> refusals_{0};
  std::atomic<std::int64_t> refused_at_ms_{0};
};

using BackendPtr = std::shared_ptr<Backend>;

}  // namespace market::gateway
