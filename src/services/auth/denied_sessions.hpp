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
#include "ports/accounts.hpp"

namespace market::auth {

class DeniedSessions {
 public:
  /// `until`: no access token of the session lives longer.
  void deny(SessionId session, Instant until) {
    const std::unique_lock lock(mutex_);
    sessions_[session] = until;
    any_.store(true, std::memory_order_release);
  }
  /// Tokens of this user with another role than this change has given, but for those of a later change, of
  /// which a token may tell before its row is read here. What was known of a later one stays.
  void deny_other_roles(const RoleChange& change, Instant until) {
    const std::unique_lock lock(mutex_);
    const auto [held, is_new] = roles_.try_emplace(change.user);
    const bool is_older =
        !is_new && held->second.changed_at != Instant::max() && change.changed_at < held->second.changed_at;
    if (!is_older) held->second = {change.role, change.changed_at, until};
    any_.store(true, std::memory_order_release);
  }
  /// `role_changed_at`: of the row that the token was made from, see wire::Identity.
  bool is_denied(SessionId session, UserId user, Role role, Instant role_changed_at = {}) const {
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    const auto held = roles_.find(user);
    return (session && sessions_.contains(session)) ||
           (held != roles_.end() && held->second.role != role && role_changed_at <= held->second.changed_at);
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
    Role role = Role::customer;
    Instant changed_at{}, until{};
  };
  mutable std::shared_mutex mutex_;
  std::atomic<bool> any_{false};
  boost::unordered_flat_map<SessionId, Instant> sessions_;
  boost::unordered_flat_map<UserId, HeldRole> roles_;
};

}  // namespace market::auth
