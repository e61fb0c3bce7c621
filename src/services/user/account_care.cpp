#include "services/user/account_care.hpp"

#include <fmt/format.h>

#include <array>

#include "services/user/password_rules.hpp"
#include "wire/auth/password_text.hpp"

namespace market::user {
namespace {

constexpr std::chrono::minutes code_life{10};

/// Ten letters that nobody takes for another, 50 bits: a code that opens an account must not be guessed,
/// however many are asked for.
std::string draw_code(RandomSource& random) {
  constexpr std::string_view letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  static_assert(letters.size() == 32);
  std::array<std::uint8_t, 10> bytes;
  random.fill(bytes);
  std::string code;
  for (const std::uint8_t byte : bytes) code += letters[byte % letters.size()];
  return code;
}

std::string upper_case(std::string code) {
  for (char& c : code)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return code;
}

}  // namespace

Task<> CareForAccount::forgot_password(std::string email) {
  const auto account = co_await accounts_.find_by_email(email);
  if (!account && account.error().code != Code::not_found) co_return fail(account.error());
  const VerificationCode code{draw_code(random_), clock_.now() + code_life};
  const auto stored = co_await care_.store_reset(std::move(email), code, clock_.now());
  if (!stored) co_return fail(stored.error());
  if (!account) co_return Result<>();
  Mail mail;
  mail.kind = "password_reset";
  mail.to = account->email;
  mail.subject = "새 비밀번호 / Your new password";
  mail.text = fmt::format(
      "새 비밀번호를 위한 코드는 {0}입니다. 10분 동안 쓸 수 있습니다. 요청하지 않았다면 무시하세요.\n\n"
      "The code for a new password is {0}. It works for 10 minutes. If you did not ask for it, do nothing.\n",
      code.code);
  mail.user = account->id;
  mail.ends_at = code.ends_at;
  mail.urgent = true;
  const auto sent = mailer_.send(std::move(mail));
  (void)sent;  // Another one can be asked for.
  co_return Result<>();
}

Task<> CareForAccount::reset_password(std::string email, std::string code, std::string password,
                                      std::string client) {
  password = wire::prepared_password(password);
  const auto strong = check_password(password, email, "newPassword");
  if (!strong) co_return fail(strong.error());
  // Hashed first, also for a wrong code: both take the same time, and a code is used up by a success alone.
  auto hash = co_await hasher_.hash(std::move(password), std::move(client));
  if (!hash) co_return fail(hash.error());
  const auto ended = co_await care_.reset_password(std::move(email), upper_case(std::move(code)),
                                                   std::move(*hash), clock_.now());
  if (!ended) co_return fail(ended.error());
  if (!*ended) co_return fail(Code::invalid_code, "the code is wrong or has ended");
  sessions_.deny(**ended);
  co_return Result<>();
}

Task<> CareForAccount::erase(UserId user, std::string password, std::string client,
                             HasProducts has_products) {
  const auto account = co_await accounts_.find(user);
  if (!account) co_return fail(account.error());
  if (account->role == Role::admin)
    co_return fail(Code::forbidden,
                   "an administrator's account ends when another one has taken the role away");
  password = wire::prepared_password(password);
  const auto same = co_await hasher_.verify(std::move(password), account->password_hash, std::move(client));
  if (!same) co_return fail(same.error());
  if (!*same) co_return fail(Code::invalid_credentials, "the password is wrong");
  const auto sells = co_await has_products(user);
  if (!sells) co_return fail(sells.error());
  if (*sells)
    co_return fail(Code::products_for_sale,
                   "products of this account are for sale: withdraw them first, or ask an administrator to");
  const auto ended = co_await care_.erase(user, account->password_generation, clock_.now());
  if (!ended) co_return fail(ended.error());
  sessions_.deny(*ended);
  co_return Result<>();
}

}  // namespace market::user
