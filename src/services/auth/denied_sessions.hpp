#pragma once
/// Sessions that ended while their access tokens still live: the deny-list each service checks. Small: an
/// entry leaves when the longest-lived token of its session has ended.

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <shared_mutex>

#include "base/id.hpp"

namespace market::auth {

class DeniedSessions {
 public:
  /// `until`: the end of the session's last access token.
  void deny(SessionId session, Instant until) {
    const std::unique_lock lock(mutex_);
    denied_[session] = until;
    any_.store(true, std::memory_order_release);
  }
  bool is_denied(SessionId session) const {
    if (!session || !any_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    return denied_.contains(session);
  }
  /// Forgets what has ended; called now and then by a job.
  void forget_ended(Instant now) {
    const std::unique_lock lock(mutex_);
    boost::unordered::erase_if(denied_, [now](const auto& entry) { return entry.second < now; });
    any_.store(!denied_.empty(), std::memory_order_release);
  }

 private:
  mutable std::shared_mutex mutex_;
  std::atomic<bool> any_{false};
  boost::unordered_flat_map<SessionId, Instant> denied_;
};

}  // namespace market::auth
