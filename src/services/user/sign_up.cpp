#include "services/user/sign_up.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "services/user/password_rules.hpp"
#include "services/user/user_view.hpp"
#include "wire/auth/password_text.hpp"

namespace market::user {
namespace {

constexpr std::chrono::minutes code_life{10};

/// Six digits, each code equally likely: what would favour low codes is drawn again.
std::string draw_code(RandomSource& random) {
  constexpr std::uint32_t codes = 1'000'000, fair = UINT32_MAX - UINT32_MAX % codes;
  std::uint32_t drawn = 0;
  do {
    std::array<std::uint8_t, sizeof drawn> bytes;
    random.fill(bytes);
    std::memcpy(&drawn, bytes.data(), sizeof drawn);
  } while (drawn >= fair);
  return fmt::format("{:06}", drawn % codes);
}

}  // namespace

VerificationCode SignUp::new_code() {
  return {draw_code(random_), clock_.now() + code_life};
}

void SignUp::mail_code(const Account& account, const VerificationCode& code) {
  Mail mail;
  mail.kind = "verification";
  mail.to = account.email;
  mail.subject = "인증 코드 / Your verification code";
  mail.text = fmt::format(
      "인증 코드는 {0}입니다. 10분 동안 쓸 수 있습니다.\n\nYour code is {0}. It works for 10 minutes.\n",
      code.code);
  mail.user = account.id;
  mail.ends_at = code.ends_at;
  mail.urgent = true;
  const auto sent = mailer_.send(std::move(mail));
  (void)sent;  // The account exists; another code can be asked for.
}

Task<Account> SignUp::run(NewAccount wanted, std::string client, MayMailTo may_mail) {
  wanted.password = wire::prepared_password(wanted.password);
  const auto strong = check_password(wanted.password, wanted.email, "password");
  if (!strong) co_return fail(strong.error());
  auto hash = co_await hasher_.hash(std::move(wanted.password), std::move(client));
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
  std::optional<VerificationCode> code;
  if (!account.email_verified) code = new_code();
  const auto created = co_await accounts_.create(account, code);
  if (!created) co_return fail(created.error());
  if (!code) co_return account;
  const auto may = co_await may_mail(account.email);
  if (may && *may) mail_code(account, *code);
  co_return account;
}

Task<> SignUp::create_admin(std::string email, std::string password) {
  const auto created =
      co_await create_verified(std::move(email), std::move(password), "Administrator", Role::admin);
  if (!created) co_return fail(created.error());
  co_return Result<>();
}

Task<UserId> SignUp::create_verified(std::string email, std::string password, std::string name, Role role) {
  const auto known = co_await accounts_.find_by_email(email);
  if (known) co_return known->id;
  if (known.error().code != Code::not_found) co_return fail(known.error());
  if (!is_email(email))
    co_return invalid_field("MARKET_ADMIN_EMAIL", "format", "MARKET_ADMIN_EMAIL is no e-mail address");
  password = wire::prepared_password(password);
  const auto strong = check_password(password, email, "MARKET_ADMIN_PASSWORD");
  if (!strong) co_return fail(strong.error());
  auto hash = co_await hasher_.hash(std::move(password), std::string());
  if (!hash) co_return fail(hash.error());
  Account account;
  account.id = ids_.next_as<UserId>();
  account.email = std::move(email);
  account.name = std::move(name);
  account.role = role;
  account.email_verified = true;
  account.password_hash = std::move(*hash);
  account.created_at = clock_.now();
  const UserId id = account.id;
  const auto created = co_await accounts_.create(account, std::nullopt);
  if (created) co_return id;
  if (created.error().code != Code::email_taken) co_return fail(created.error());
  // Another instance that starts has made it meanwhile.
  const auto made = co_await accounts_.find_by_email(account.email);
  if (!made) co_return fail(made.error());
  co_return made->id;
}

Task<> SignUp::verify(std::string email, std::string code) {
  const auto right = co_await accounts_.verify_email(std::move(email), std::move(code), clock_.now());
  if (!right) co_return fail(right.error());
  if (!*right) co_return fail(Code::invalid_code, "the code is wrong or has ended");
  co_return Result<>();
}

Task<> SignUp::resend(std::string email) {
  const auto account = co_await accounts_.find_by_email(email);
  if (!account && account.error().code != Code::not_found) co_return fail(account.error());
  const VerificationCode code = new_code();  // Nobody learns it unless it is mailed.
  const auto stored = co_await accounts_.store_verification(std::move(email), code, clock_.now());
  if (!stored) co_return fail(stored.error());
  if (account && !account->email_verified) mail_code(*account, code);
  co_return Result<>();
}

}  // namespace market::user
