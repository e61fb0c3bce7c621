#include "services/user/sign_in.hpp"

#include <algorithm>

#include "services/user/password_rules.hpp"

namespace market::user {
namespace {

/// Failures of one address at one account, of one address at all accounts, and of one account's own changes.
constexpr GuessLimiter::Rate pair_rate{5, Millis(30'000)};
constexpr GuessLimiter::Rate address_rate{60, Millis(1'000)};

tl::unexpected<Error> wrong() {
  return fail(Code::invalid_credentials, "e-mail address or password is wrong");
}

}  // namespace

Task<SignedIn> SignIn::run(Command command) {
  const Instant now = clock_.now();
  std::string email = command.email;
  std::transform(email.begin(), email.end(), email.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const std::string address = limit_address(command.remote_address);
  const std::string pair = "sign-in:" + address + ' ' + email, from = "sign-in:" + address;
  if (const auto allowed = limiter_.allow(from, address_rate, now); !allowed) co_return fail(allowed.error());
  if (const auto allowed = limiter_.allow(pair, pair_rate, now); !allowed) co_return fail(allowed.error());

  auto account = co_await accounts_.find_by_email(std::move(command.email));
  if (!account && account.error().code != Code::not_found) co_return fail(account.error());
  std::string hash = account ? account->password_hash : std::string();
  const bool outdated = account && hasher_.is_outdated(hash);
  std::string to_rehash = outdated ? command.password : std::string();
  const auto same = co_await hasher_.verify(std::move(command.password), std::move(hash));
  if (!same) co_return fail(same.error());
  if (!*same || !account) {
    limiter_.charge(from, address_rate, now);
    limiter_.charge(pair, pair_rate, now);
    co_return wrong();
  }
  if (outdated) co_await rehash(account->id, std::move(to_rehash));
  auto signed_in = co_await sessions_.open(std::move(*account), std::move(command.device));
  co_return signed_in;
}

asio::awaitable<void> SignIn::rehash(UserId user, std::string password) {
  auto hash = co_await hasher_.hash(std::move(password));
  if (!hash) co_return;
  const auto stored = co_await accounts_.set_password_hash(user, std::move(*hash));
  (void)stored;  // The old hash stays good; the next sign-in tries again.
}

Task<> SignIn::change_password(UserId user, SessionId current, std::string current_password,
                               std::string new_password) {
  const Instant now = clock_.now();
  const std::string bucket = "password:" + user.text();
  if (const auto allowed = limiter_.allow(bucket, pair_rate, now); !allowed) co_return fail(allowed.error());
  const auto account = co_await accounts_.find(user);
  if (!account) co_return fail(account.error());
  const auto strong = check_password(new_password, account->email, "newPassword");
  if (!strong) co_return fail(strong.error());
  const auto same = co_await hasher_.verify(std::move(current_password), account->password_hash);
  if (!same) co_return fail(same.error());
  if (!*same) {
    limiter_.charge(bucket, pair_rate, now);
    co_return fail(Code::invalid_credentials, "the current password is wrong");
  }
  auto hash = co_await hasher_.hash(std::move(new_password));
  if (!hash) co_return fail(hash.error());
  const auto stored = co_await accounts_.set_password_hash(user, std::move(*hash));
  if (!stored) co_return fail(stored.error());
  const auto ended =
      co_await sessions_.end(user, std::nullopt, current ? std::optional(current) : std::nullopt);
  co_return ended;
}

}  // namespace market::user
