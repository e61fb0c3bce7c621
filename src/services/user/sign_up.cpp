#include "services/user/sign_up.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "services/user/password_rules.hpp"
#include "services/user/user_view.hpp"
#include "wire/auth/secret_text.hpp"

namespace market::user {
namespace {

constexpr std::chrono::minutes code_life{30};

/// Six digits, each code equally likely: what would favour low codes is drawn again.
std::string new_code(RandomSource& random) {
  constexpr std::uint32_t codes = 1'000'000, fair = UINT32_MAX - UINT32_MAX % codes;
  std::uint32_t drawn = 0;
  do {
    std::array<std::uint8_t, sizeof drawn> bytes;
    random.fill(bytes);
    std::memcpy(&drawn, bytes.data(), sizeof drawn);
  } while (drawn >= fair);
  return fmt::format("{:06}", drawn % codes);
}

/// A code is short: bound to its account, so that equal codes have different hashes.
std::string code_hash(UserId user, const std::string& code) {
  return wire::secret_hash(user.text() + ':' + code);
}

}  // namespace

Task<> SignUp::send_code(Account account) {
  const std::string code = new_code(random_);
  const Instant ends_at = clock_.now() + code_life;
  const auto stored = co_await accounts_.store_verification(account.id, code_hash(account.id, code), ends_at);
  if (!stored) co_return fail(stored.error());
  std::string text = fmt::format("Your code is {}. It works for 30 minutes.", code);
  const auto sent = co_await mailer_.send(account.email, "Your verification code", std::move(text));
  co_return sent;
}

Task<Account> SignUp::run(NewAccount wanted) {
  const auto strong = check_password(wanted.password, wanted.email, "password");
  if (!strong) co_return fail(strong.error());
  auto hash = co_await hasher_.hash(std::move(wanted.password));
  if (!hash) co_return fail(hash.error());
  Account account;
  account.id = ids_.next_as<UserId>();
  account.email = std::move(wanted.email);
  account.name = std::move(wanted.name);
  account.phone = std::move(wanted.phone);
  account.address = std::move(wanted.address);
  account.role = wanted.role;
  account.password_hash = std::move(*hash);
  account.created_at = clock_.now();
  account.email_verified = verification_ == EmailVerification::off;
  const auto created = co_await accounts_.create(account);
  if (!created) co_return fail(created.error());
  if (verification_ != EmailVerification::off) {
    const auto sent = co_await send_code(account);
    (void)sent;  // The account exists; another code can be asked for.
  }
  co_return account;
}

Task<> SignUp::create_admin(std::string email, std::string password) {
  const auto known = co_await accounts_.find_by_email(email);
  if (known) co_return Result<>();
  if (known.error().code != Code::not_found) co_return fail(known.error());
  if (!is_email(email))
    co_return invalid_field("MARKET_ADMIN_EMAIL", "format", "MARKET_ADMIN_EMAIL is no e-mail address");
  const auto strong = check_password(password, email, "MARKET_ADMIN_PASSWORD");
  if (!strong) co_return fail(strong.error());
  auto hash = co_await hasher_.hash(std::move(password));
  if (!hash) co_return fail(hash.error());
  Account account;
  account.id = ids_.next_as<UserId>();
  account.email = std::move(email);
  account.name = "Administrator";
  account.role = Role::admin;
  account.email_verified = true;
  account.password_hash = std::move(*hash);
  account.created_at = clock_.now();
  const auto created = co_await accounts_.create(std::move(account));
  co_return created;
}

Task<> SignUp::verify(std::string email, std::string code) {
  const auto account = co_await accounts_.find_by_email(std::move(email));
  if (!account && account.error().code != Code::not_found) co_return fail(account.error());
  if (!account) co_return fail(Code::invalid_code, "the code is wrong or has ended");
  const auto right =
      co_await accounts_.try_verification(account->id, code_hash(account->id, code), clock_.now());
  if (!right && right.error().code != Code::not_found) co_return fail(right.error());
  if (!right || !*right) co_return fail(Code::invalid_code, "the code is wrong or has ended");
  const auto verified = co_await accounts_.set_email_verified(account->id);
  co_return verified;
}

Task<> SignUp::resend(std::string email) {
  const auto account = co_await accounts_.find_by_email(std::move(email));
  if (!account && account.error().code == Code::not_found) co_return Result<>();
  if (!account) co_return fail(account.error());
  if (account->email_verified) co_return Result<>();
  const auto sent = co_await send_code(*account);
  co_return sent;
}

}  // namespace market::user
