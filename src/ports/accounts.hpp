#pragma once
/// Accounts and their sessions: ordinary rows. Personal data arrives here in the clear and is stored
/// encrypted by the adapter; e-mail addresses compare without case.

#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"
#include "domain/account/role.hpp"

namespace market {

struct Account {
  UserId id;
  std::string email, name;
  std::optional<std::string> phone, address;
  Role role = Role::customer;
  bool email_verified = false;
  std::string password_hash;  ///< PHC string; never leaves the user service.
  Instant created_at{};
};

struct AccountPatch {
  std::optional<std::string> name;
  /// Outer: was the member sent; inner: null clears it.
  std::optional<std::optional<std::string>> phone, address;
};

/// One signed-in device. `refresh_hash` is the hash of the only refresh token that works now.
struct Session {
  SessionId id;
  UserId user;
  std::string refresh_hash;
  std::string device;  ///< User-Agent, cut.
  Instant created_at{}, used_at{}, ends_at{};
};

class Accounts {
 public:
  virtual ~Accounts() = default;
  /// Errors: email_taken, unavailable, overloaded (as for all below).
  virtual Task<> create(Account account) = 0;
  /// Errors: not_found.
  virtual Task<Account> find(UserId id) = 0;
  virtual Task<Account> find_by_email(std::string email) = 0;
  virtual Task<Account> update(UserId id, AccountPatch patch) = 0;
  virtual Task<> set_password_hash(UserId id, std::string hash) = 0;
  virtual Task<> set_email_verified(UserId id) = 0;

  /// The code a user must send back; replaces an older one. Only its hash is stored.
  virtual Task<> store_verification(UserId id, std::string code_hash, Instant ends_at) = 0;
  /// Counts a try and answers whether `code_hash` is the stored, unexpired one (which it then forgets).
  /// Errors: rate_limited after 5 tries, not_found when there is none.
  virtual Task<bool> try_verification(UserId id, std::string code_hash, Instant now) = 0;

  virtual Task<> create_session(Session session) = 0;
  /// Replaces the refresh hash if `old_hash` is the current one. When it was an older one of this session,
  /// the whole session is ended. Errors: session_revoked (also unknown or past its end).
  virtual Task<Session> rotate_session(std::string old_hash, std::string new_hash, Instant now) = 0;
  virtual Task<std::vector<Session>> sessions(UserId user, Instant now) = 0;
  /// Ends these; an unknown one is fine. Answers the ids that were ended.
  virtual Task<std::vector<SessionId>> end_sessions(UserId user, std::optional<SessionId> only,
                                                    std::optional<SessionId> except) = 0;
  /// Sessions ended by their user whose access tokens might still be alive: for the deny-list at start.
  virtual Task<std::vector<SessionId>> ended_since(Instant since) = 0;
};

}  // namespace market
