#pragma once
/// Accounts, passwords and mails in memory, for tests of use cases. The adapters' own rules are tested by
/// tests/contract.

#include <map>
#include <vector>

#include "base/time.hpp"
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

class MemoryAccounts final : public Accounts {
 public:
  Task<> create(Account account) override {
    if (failure) co_return fail(*failure, "asked for");
    for (const auto& [id, known] : all)
      if (known.email == account.email) co_return fail(Code::email_taken, "taken");
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
      if (account.email == email) co_return account;
    co_return fail(Code::not_found, "no account");
  }
  Task<Account> update(UserId id, AccountPatch) override { return find(id); }
  Task<> set_password_hash(UserId id, std::string hash) override {
    if (hash_failure) co_return fail(*hash_failure, "asked for");
    all.at(id).password_hash = std::move(hash);
    co_return Result<>();
  }
  Task<> set_email_verified(UserId id) override {
    all.at(id).email_verified = true;
    co_return Result<>();
  }
  Task<> store_verification(UserId id, std::string code_hash, Instant ends_at) override {
    codes[id] = Verification{std::move(code_hash), ends_at, 0};
    co_return Result<>();
  }
  Task<bool> try_verification(UserId id, std::string code_hash, Instant now) override {
    const auto code = codes.find(id);
    if (code == codes.end()) co_return fail(Code::not_found, "none");
    if (++code->second.tries > 5) co_return fail(Code::rate_limited, "too many");
    const bool right = code->second.hash == code_hash && now < code->second.ends_at;
    if (right) codes.erase(code);
    co_return right;
  }
  Task<> create_session(Session session) override {
    open_sessions.push_back(std::move(session));
    co_return Result<>();
  }
  Task<Session> rotate_session(std::string, std::string, Instant) override {
    co_return fail(Code::session_revoked, "not here");
  }
  Task<std::vector<Session>> sessions(UserId, Instant) override { co_return open_sessions; }
  Task<std::vector<SessionId>> end_sessions(UserId user, std::optional<SessionId> only,
                                            std::optional<SessionId> except) override {
    std::vector<SessionId> ended;
    std::erase_if(open_sessions, [&](const Session& session) {
      const bool ends =
          session.user == user && (!only || session.id == *only) && (!except || session.id != *except);
      if (ends) ended.push_back(session.id);
      return ends;
    });
    co_return ended;
  }
  Task<std::vector<SessionId>> ended_since(Instant) override { co_return std::vector<SessionId>(); }

  struct Verification {
    std::string hash;
    Instant ends_at{};
    int tries = 0;
  };
  std::map<UserId, Account> all;
  std::map<UserId, Verification> codes;
  std::vector<Session> open_sessions;
  std::optional<Code> failure, hash_failure;
};

/// "new:" and the password; hashes that begin with "old:" are outdated.
class PlainHasher final : public PasswordHasher {
 public:
  Task<std::string> hash(std::string password) override {
    ++hashes;
    if (failure) co_return fail(*failure, "asked for");
    co_return "new:" + password;
  }
  Task<bool> verify(std::string password, std::string hash) override {
    verified.push_back(hash);
    if (failure) co_return fail(*failure, "asked for");
    co_return !hash.empty() && hash.substr(4) == password;
  }
  bool is_outdated(const std::string& hash) const override { return hash.starts_with("old:"); }
  int hashes = 0;
  std::vector<std::string> verified;  ///< The hashes that passwords were compared with.
  std::optional<Code> failure;
};

class KeptMails final : public Mailer {
 public:
  struct Mail {
    std::string to, subject, text;
  };
  Task<> send(std::string to, std::string subject, std::string text) override {
    if (failure) co_return fail(*failure, "asked for");
    sent.push_back(Mail{std::move(to), std::move(subject), std::move(text)});
    co_return Result<>();
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
