#pragma once
/// Accounts, passwords and mails in memory, for tests of use cases. The adapters' own rules are tested by
/// tests/contract.

#include <functional>
#include <map>
#include <vector>

#include "base/time.hpp"
#include "domain/account/email.hpp"
#include "ports/accounts.hpp"
#include "ports/mailer.hpp"
#include "ports/password_hasher.hpp"
#include "ports/random_source.hpp"

namespace market::tests {

class MovedClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time{Millis(1'800'000'000'000)};
};

class MemoryAccounts : public Accounts {
 public:
  Task<> create(Account account, std::optional<VerificationCode> code) override {
    if (failure) co_return fail(*failure, "asked for");
    for (const auto& [id, known] : all)
      if (known.email == account.email) co_return fail(Code::email_taken, "taken");
    if (code) codes[email_key(account.email)] = Verification{code->code, code->ends_at, 0};
    const UserId id = account.id;
    all.emplace(id, std::move(account));
    co_return Result<>();
  }
  Task<Account> find(UserId id) override {
    const auto found = all.find(id);
    if (failure) co_return fail(*failure, "asked for");
    if (found == all.end()) co_return fail(Code::not_found, "no account");
    co_return found->second;
  }
  Task<Account> find_by_email(std::string email) override {
    if (failure) co_return fail(*failure, "asked for");
    for (const auto& [id, account] : all)
      if (email_key(account.email) == email_key(email)) co_return account;
    co_return fail(Code::not_found, "no account");
  }
  Task<Account> update(UserId id, AccountPatch) override { return find(id); }
  Task<Account> set_role(UserId, UserId id, Role role, Instant now) override {
    if (!failure && all.contains(id) && all.at(id).role != role) {
      Account& account = all.at(id);
      account.role = role;
      account.role_changed_at = std::max(now, account.role_changed_at + Millis(1));
    }
    return find(id);
  }
  Task<std::vector<RoleChange>> roles_changed_since(Instant since) override {
    std::vector<RoleChange> changed;
    for (const auto& [id, account] : all)
      if (account.role_changed_at > Instant() && account.role_changed_at >= since)
        changed.push_back({id, account.role, account.role_changed_at});
    co_return changed;
  }
  Task<> rehash_password(UserId id, std::int64_t generation, std::string hash) override {
    if (hash_failure) co_return fail(*hash_failure, "asked for");
    Account& account = all.at(id);
    if (account.password_generation == generation) account.password_hash = std::move(hash);
    co_return Result<>();
  }
  Task<std::vector<SessionId>> change_password(UserId id, PasswordChange change) override {
    if (hash_failure) co_return fail(*hash_failure, "asked for");
    Account& account = all.at(id);
    if (account.password_generation != change.verified_generation)
      co_return fail(Code::invalid_credentials, "changed meanwhile");
    account.password_hash = std::move(change.hash);
    ++account.password_generation;
    co_return end_where([&](const Session& one) { return one.user == id && one.id != change.keep; });
  }
  Task<bool> knows_client(UserId user, std::string client) override {
    co_return std::any_of(clients.begin(), clients.end(),
                          [&](const auto& each) { return each.first == user && each.second == client; });
  }
  std::vector<std::pair<UserId, std::string>> clients;
  Task<> store_verification(std::string email, VerificationCode code, Instant) override {
    ++verification_calls;
    codes[email_key(email)] = Verification{std::move(code.code), code.ends_at, 0};
    co_return Result<>();
  }
  Task<bool> verify_email(std::string email, std::string code, Instant now) override {
    ++verification_calls;
    auto& known = codes[email_key(email)];
    if (known.ends_at <= now) known = Verification{"", now + std::chrono::minutes(30), 0};
    if (++known.tries > verification_tries_max) co_return fail(Code::rate_limited, "too many");
    if (known.code != code) co_return false;
    codes.erase(email_key(email));
    for (auto& [id, account] : all)
      if (email_key(account.email) == email_key(email)) account.email_verified = true;
    co_return true;
  }
  Task<std::vector<SessionId>> create_session(Session session) override {
    if (before_session) before_session();
    if (all.at(session.user).password_generation != session.password_generation)
      co_return fail(Code::invalid_credentials, "changed meanwhile");
    clients.emplace_back(session.user, session.client);
    open_sessions.push_back(std::move(session));
    co_return std::vector<SessionId>();
  }
  Task<Rotation> rotate_session(std::string old_hash, std::string new_hash, Instant) override {
    if (failure) co_return fail(*failure, "asked for");
    Rotation rotation;
    for (auto& session : open_sessions) {
      if (session.refresh_hash != old_hash && session.refresh_hash != new_hash) continue;
      session.refresh_hash = new_hash;
      rotation.session = session;
      rotation.account = all.at(session.user);
    }
    rotation.ended = ends_next;
    co_return rotation;
  }
  Task<std::vector<Session>> sessions(UserId, Instant, SessionId, int) override { co_return open_sessions; }
  Task<std::vector<SessionId>> end_sessions(UserId user, std::optional<SessionId> only) override {
    co_return end_where([&](const Session& one) { return one.user == user && (!only || one.id == *only); });
  }
  Task<std::vector<SessionId>> ended_since(Instant) override { co_return std::vector<SessionId>(); }

  template <class Ends>
  std::vector<SessionId> end_where(Ends ends) {
    std::vector<SessionId> ended;
    std::erase_if(open_sessions, [&](const Session& session) {
      if (ends(session)) ended.push_back(session.id);
      return ends(session);
    });
    return ended;
  }

  struct Verification {
    std::string code;
    Instant ends_at{};
    int tries = 0;
  };
  std::map<UserId, Account> all;
  std::map<std::string, Verification> codes;  ///< By email_key.
  int verification_calls = 0;
  SessionId ends_next;                   ///< What the next rotation says that it has ended.
  std::function<void()> before_session;  ///< Just before a session is stored.
  std::vector<Session> open_sessions;
  std::optional<Code> failure, hash_failure;
};

/// "new:" and the password; hashes that begin with "old:" are outdated.
class PlainHasher final : public PasswordHasher {
 public:
  Task<std::string> hash(std::string password, std::string) override {
    ++hashes;
    if (while_hashing) while_hashing();
    if (failure) co_return fail(*failure, "asked for");
    co_return "new:" + password;
  }
  Task<bool> verify(std::string password, std::string hash, std::string) override {
    if (while_verifying) while_verifying();
    verified.push_back(hash);
    if (failure) co_return fail(*failure, "asked for");
    co_return !hash.empty() && hash.substr(4) == password;
  }
  bool is_outdated(const std::string& hash) const override { return hash.starts_with("old:"); }
  int hashes = 0;
  std::vector<std::string> verified;  ///< The hashes that passwords were compared with.
  std::optional<Code> failure;
  std::function<void()> while_hashing, while_verifying;
};

class KeptMails final : public Mailer {
 public:
  Result<> send(Mail mail) override {
    if (failure) return fail(*failure, "asked for");
    sent.push_back(std::move(mail));
    return {};
  }
  std::vector<Mail> sent;
  std::optional<Code> failure;
};

/// Different bytes each time, the same in each run.
class CountingRandom final : public RandomSource {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(next_++ * 37);
  }

 private:
  unsigned next_ = 1;
};

}  // namespace market::tests
