#pragma once
/// What requests about accounts have in common: the address they name, and who may ask how often.

#include "http/message/message.hpp"
#include "services/user/guess_limiter.hpp"
#include "wire/json/json.hpp"

namespace market::user {

/// Who asks, as limits see it; with a `?` in front when only a gateway that nobody has named says so.
std::string client_of(bool addresses_known, const http::Request& request);

/// One bucket, of `what` and whoever asks.
std::vector<GuessLimiter::Limit> address_limit(std::string_view what, const std::string& client,
                                               GuessLimiter::Rate rate);

/// A token may outlive its account.
Error account_error(const Error& error);

/// The member `email`.
std::string read_email(wire::ObjectReader& reader);
/// Of a body that has nothing else.
Result<std::string> read_email_alone(const http::Request& request);

/// Whether a mail with a code of kind `what` may go to `email` on behalf of `client` (as client_of() says).
/// One that may is counted.
Task<bool> may_mail(GuessLimiter& limiter, std::string_view what, std::string email, std::string client,
                    Instant now);
/// The same of the code that comes with a new account, one of kind `mail`: sign-ups on behalf of one address
/// have a bound of their own.
Task<bool> may_mail_first(GuessLimiter& limiter, std::string email, std::string client, Instant now);

}  // namespace market::user
