#pragma once
/// What ended while its access tokens still live: sessions, and roles that users had before. The deny-list
/// each service checks. Small: an entry leaves when the longest-lived token that it concerns must have ended.
/// Its times are those of the tokens: the wall clock's.

#include <algorithm>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <shared_mutex>

#include "base/id.hpp"
#include "domain/account/role.hpp"

namespace market::auth {

class DeniedSessions {
 public:
  /// `until`: no access token of the session lives longer.
  void deny(SessionId session, Instant until) {
    const std::unique_lock lock(mutex_);
    sessions_[session] = until;
    any_.store(true, std::memory_order_release);
  }
  /// Tokens of this user with another role than the one that holds now.
  void deny_other_roles(UserId user, Role role, Instant until) {
    const std::unique_lock lock(mutex_);
    roles_[user] = {role, until};
    any_.store(true, std::memory_order_release);
  }
  bool is_denied(SessionId session, UserId user, Role role) const {
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    const auto changed = roles_.find(user);
    return (session && sessions_.contains(session)) ||
           (changed != roles_.end() && changed->second.role != role);
  }
  /// Forgets what has ended; called now and then by a job.
  void forget_ended(Instant now) {
    const std::unique_lock lock(mutex_);
    boost::unordered::erase_if(sessions_, [now](const auto& entry) { return entry.second < now; });
    boost::unordered::erase_if(roles_, [now](const auto& entry) { return entry.second.until < now; });
    any_.store(!sessions_.empty() || !roles_.empty(), std::memory_order_release);
  }

 private:
  struct HeldRole {
    Role role;
    Instant until;
  };
  mutable std::shared_mutex mutex_;
  std::atomic<bool> any_{false};
  boost::unordered_flat_map<SessionId, Instant> sessions_;
  boost::unordered_flat_map<UserId, HeldRole> roles_;
};

}  // namespace market::auth
