#include "services/user/account_requests.hpp"

#include <fmt/format.h>

#include "domain/account/email.hpp"
#include "http/message/proxy_addresses.hpp"
#include "services/user/user_view.hpp"

namespace market::user {
namespace {

/// Mails with a code: to one account on behalf of one address, to one account, and on behalf of one address.
/// What a stranger takes of an account's is not what its owner has.
constexpr GuessLimiter::Rate pair_mail_rate{3, Millis(60'000)};
constexpr GuessLimiter::Rate account_mail_rate{12, Millis(60'000)};
constexpr GuessLimiter::Rate address_mail_rate{30, Millis(10'000)};

std::vector<GuessLimiter::Limit> account_limits(std::string_view what, const std::string& email,
                                                const std::string& client) {
  const std::string account = email_key(email);
  return {{fmt::format("{}-pair:{}:{}", what, client, account), pair_mail_rate},
          {fmt::format("{}:{}", what, account), account_mail_rate}};
}

}  // namespace

std::string client_of(bool addresses_known, const http::Request& request) {
  // A gateway that nobody has named yet has clients, too. What it says tells them apart; an address it is
  // not.
  const auto told =
      addresses_known || request.from_trusted ? std::string_view() : http::claimed_address(request);
  return told.empty() ? limit_address(request.remote_address) : "?" + limit_address(told);
}

std::vector<GuessLimiter::Limit> address_limit(std::string_view what, const std::string& client,
                                               GuessLimiter::Rate rate) {
  return {{fmt::format("{}:{}", what, client), rate}};
}

Error account_error(const Error& error) {
  return error.code == Code::not_found ? Error(Code::unauthenticated, "sign in first") : error;
}

std::string read_email(wire::ObjectReader& reader) {
  std::string email = reader.text("email", 3, 254);
  if (!email.empty() && !is_email(email)) reader.refuse("email", "format", "must be an e-mail address");
  return email;
}

Result<std::string> read_email_alone(const http::Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string email = read_email(reader);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return email;
}

Task<bool> may_mail(GuessLimiter& limiter, std::string_view what, std::string email, std::string client,
                    Instant now) {
  auto limits = account_limits(what, email, client);
  limits.push_back({fmt::format("{}-by:{}", what, client), address_mail_rate});
  auto mailed = co_await limiter.take_shared(std::move(limits), now);
  if (mailed) mailed->keep();
  co_return mailed.has_value();
}

Task<bool> may_mail_first(GuessLimiter& limiter, std::string email, std::string client, Instant now) {
  auto limits = account_limits("mail", email, client);
  auto mailed = co_await limiter.take_shared(std::move(limits), now);
  if (mailed) mailed->keep();
  co_return mailed.has_value();
}

}  // namespace market::user
