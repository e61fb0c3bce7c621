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
  /// When it was given this role, each time later than the time before, whatever the clocks of instances say;
  /// the epoch: it has always had it.
  Instant role_changed_at{};
  std::string password_hash;  ///< PHC string; never leaves the user service.
  /// Which password it is: one higher with each change. Whoever verified a password says which one it was.
  std::int64_t password_generation = 0;
  Instant created_at{};
};

struct AccountPatch {
  std::optional<std::string> name;
  /// Outer: was the member sent; inner: null clears it.
  std::optional<std::optional<std::string>> phone, address;
};

/// What a user must send back to prove an address; stored as a keyed hash.
struct VerificationCode {
  std::string code;
  Instant ends_at{};
};

/// A new password for the one that was verified.
struct PasswordChange {
  std::int64_t verified_generation = 0;
  std::string hash;
  SessionId keep;  ///< Goes on; none: all sessions end.
};

/// One signed-in device. `refresh_hash` is the hash of the only refresh token that works now.
struct Session {
  SessionId id;
  UserId user;
  std::string refresh_hash;
  std::string device;  ///< User-Agent, cut.
  Instant created_at{}, used_at{}, ends_at{};
  std::int64_t password_generation = 0;  ///< Of the password that it was opened with.
  std::string client{};  ///< Where it was opened from, as limits see it; not part of what is read back.
};

/// What became of a refresh token.
struct Rotation {
  std::optional<Session> session;  ///< None: the token is not known, used up, or its session is over.
  Account account;                 ///< Of `session`.
  SessionId ended;                 ///< The session that this use of an old token has ended.
};

struct RoleChange {
  UserId user;
  Role role = Role::customer;  ///< The one that holds now.
  /// As Account::role_changed_at; max: not known, and the newest.
  Instant changed_at = Instant::max();
};

/// No access token lives longer, whatever was set when it was signed: as long is what ended remembered.
inline constexpr Millis access_token_life_max{24 * 3600'000};
/// A used refresh token gives the same successor once more for so long: several tabs may send it at once.
inline constexpr Millis refresh_again_max{10'000};
inline constexpr int verification_tries_max = 5;
inline constexpr int sessions_per_account_max = 100;
inline constexpr int known_clients_max = 50;

class Accounts {
 public:
  virtual ~Accounts() = default;
  /// With the code that proves its address, if it needs one. Errors: email_taken, unavailable, overloaded (as
  /// for all below).
  virtual Task<> create(Account account, std::optional<VerificationCode> code) = 0;
  /// Errors: not_found.
  virtual Task<Account> find(UserId id) = 0;
  virtual Task<Account> find_by_email(std::string email) = 0;
  virtual Task<Account> update(UserId id, AccountPatch patch) = 0;
  /// `admin`: who asks, and still is one when it is written: of two that act against each other one stays.
  /// Errors: forbidden (no longer), not_found.
  virtual Task<Account> set_role(UserId admin, UserId id, Role role, Instant now) = 0;
  /// Those whose role was changed then or later.
  virtual Task<std::vector<RoleChange>> roles_changed_since(Instant since) = 0;

  /// Another hash of the same password: nothing happens if the password is of another generation by now.
  virtual Task<> rehash_password(UserId id, std::int64_t generation, std::string hash) = 0;
  /// At once: the new hash, the next generation, and the end of all sessions but one. Answers those that
  /// ended. Errors: not_found; invalid_credentials, when the verified password is no longer the current one.
  virtual Task<std::vector<SessionId>> change_password(UserId id, PasswordChange change) = 0;

  /// The code that this address must send back; replaces an older one. The same for an address without an
  /// account.
  virtual Task<> store_verification(std::string email, VerificationCode code, Instant now) = 0;
  /// Counts a try and answers whether `code` is the stored, unexpired one; then it is forgotten and the
  /// account is verified, at once. The same for an address without an account, which is never right.
  /// Errors: rate_limited after verification_tries_max tries.
  virtual Task<bool> verify_email(std::string email, std::string code, Instant now) = 0;

  /// Answers the sessions that ended because there were too many: those used longest ago.
  /// Errors: invalid_credentials, when the account is gone or its password is of another generation by now.
  /// Remembers session.client as one of the account's own, unless it is empty.
  virtual Task<std::vector<SessionId>> create_session(Session session) = 0;
  /// Whether a session of this account was opened from there before; the last known_clients_max count.
  virtual Task<bool> knows_client(UserId user, std::string client) = 0;
  /// Replaces the refresh hash if `old_hash` is the current one. When it was an older one of this session,
  /// lately replaced, that is answered once more and nothing changes (the caller derives the same successor);
  /// replaced longer ago, the whole session is ended. No session outlives a change of its password.
  virtual Task<Rotation> rotate_session(std::string old_hash, std::string new_hash, Instant now) = 0;
  /// Those that live, newest first, from the one behind `before` (none: the first), `limit` at most.
  virtual Task<std::vector<Session>> sessions(UserId user, Instant now, SessionId before, int limit) = 0;
  /// Ends these; an unknown one is fine. Answers the ids that were ended.
  virtual Task<std::vector<SessionId>> end_sessions(UserId user, std::optional<SessionId> only) = 0;
  /// Sessions ended then or later, before their time, back to access_token_life_max: for the deny-list at
  /// start.
  virtual Task<std::vector<SessionId>> ended_since(Instant since) = 0;
};

}  // namespace market
