#include "services/user/sign_in.hpp"

#include "domain/account/email.hpp"
#include "services/user/password_rules.hpp"
#include "wire/auth/password_text.hpp"

namespace market::user {
namespace {

/// Failures of one address at one account, of one address at all accounts, and of one account's own changes.
constexpr GuessLimiter::Rate pair_rate{5, Millis(30'000)};
constexpr GuessLimiter::Rate address_rate{60, Millis(1'000)};
/// Failures at one account from all addresses together that never signed in to it: in no hour more than a
/// hundred (NIST 800-63B), however many addresses there are. Its owner's own addresses do not count.
constexpr GuessLimiter::Rate strangers_rate{50, Millis(72'000)};
/// Successes: each costs a hash too.
constexpr GuessLimiter::Rate success_rate{30, Millis(2'000)};
constexpr GuessLimiter::Rate change_rate{10, Millis(60'000)};

std::vector<GuessLimiter::Limit> of_strangers(bool known, const std::string& account_key) {
  if (known) return {};
  return {{"sign-in-strangers:" + account_key, strangers_rate}};
}

/// Tries that are under way count among successes until they have failed: those from elsewhere must not hold
/// up the owner where he has been before.
std::vector<GuessLimiter::Limit> of_successes(bool known, const std::string& account_key) {
  return {{(known ? "signed-in:" : "signed-in-elsewhere:") + account_key, success_rate}};
}

tl::unexpected<Error> wrong() {
  return fail(Code::invalid_credentials, "e-mail address or password is wrong");
}

}  // namespace

Task<SignedIn> SignIn::run(Command command) {
  const Instant now = clock_.now();
  command.password = wire::prepared_password(command.password);
  const std::string account_key = email_key(command.email);
  std::vector<GuessLimiter::Limit> failures;
  failures.push_back({"sign-in:" + command.client + ' ' + account_key, pair_rate});
  failures.push_back({"sign-in:" + command.client, address_rate});
  auto failure = co_await limiter_.take_shared(std::move(failures), now);
  if (!failure) co_return fail(failure.error());
  auto account = co_await accounts_.find_by_email(std::move(command.email));
  if (!account && account.error().code != Code::not_found) co_return fail(account.error());
  const UserId user = account ? account->id : UserId();
  // An address without an account has no addresses of its own, and is treated alike.
  const auto known = co_await accounts_.knows_client(user, command.client);
  if (!known) co_return fail(known.error());
  auto strangers = co_await limiter_.take_shared(of_strangers(*known, account_key), now);
  if (!strangers) co_return fail(strangers.error());
  auto success = co_await limiter_.take_shared(of_successes(*known, account_key), now);
  if (!success) co_return fail(success.error());
  std::string hash = account ? account->password_hash : std::string();
  const bool outdated = account && hasher_.is_outdated(hash);
  std::string to_rehash = outdated ? command.password : std::string();
  const auto same = co_await hasher_.verify(std::move(command.password), std::move(hash), command.client);
  if (!same) co_return fail(same.error());
  if (!*same || !account) {
    failure->keep();
    strangers->keep();
    co_return wrong();
  }
  success->keep();
  if (outdated) co_await rehash(*account, std::move(to_rehash), command.client);
  auto signed_in =
      co_await sessions_.open(std::move(*account), std::move(command.device), std::move(command.client));
  // The password was changed since we looked: what was verified is no password any more.
  if (!signed_in && signed_in.error().code == Code::invalid_credentials) co_return wrong();
  co_return signed_in;
}

asio::awaitable<void> SignIn::rehash(Account account, std::string password, std::string client) {
  auto hash = co_await hasher_.hash(std::move(password), std::move(client));
  if (!hash) co_return;
  const auto stored =
      co_await accounts_.rehash_password(account.id, account.password_generation, std::move(*hash));
  (void)stored;  // The old hash stays good; the next sign-in tries again.
}

Task<> SignIn::change_password(UserId user, SessionId current, std::string current_password,
                               std::string new_password, std::string client) {
  const Instant now = clock_.now();
  std::vector<GuessLimiter::Limit> failures{{"password:" + user.text(), pair_rate}};
  auto failure = co_await limiter_.take_shared(std::move(failures), now);
  if (!failure) co_return fail(failure.error());
  std::vector<GuessLimiter::Limit> successes{{"password-set:" + user.text(), change_rate}};
  auto success = co_await limiter_.take_shared(std::move(successes), now);
  if (!success) co_return fail(success.error());
  current_password = wire::prepared_password(current_password);
  new_password = wire::prepared_password(new_password);
  const auto account = co_await accounts_.find(user);
  if (!account) co_return fail(account.error());
  const auto strong = check_password(new_password, account->email, "newPassword");
  if (!strong) co_return fail(strong.error());
  const auto same = co_await hasher_.verify(std::move(current_password), account->password_hash, client);
  if (!same) co_return fail(same.error());
  if (!*same) {
    failure->keep();
    co_return fail(Code::invalid_credentials, "the current password is wrong");
  }
  success->keep();
  auto hash = co_await hasher_.hash(std::move(new_password), std::move(client));
  if (!hash) co_return fail(hash.error());
  PasswordChange change;
  change.verified_generation = account->password_generation;
  change.hash = std::move(*hash);
  change.keep = current;
  const auto ended = co_await accounts_.change_password(user, std::move(change));
  if (!ended) co_return fail(ended.error());
  sessions_.deny(*ended);
  co_return Result<>();
}

}  // namespace market::user
