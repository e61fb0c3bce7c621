#pragma once
/// What requests about accounts have in common: the address they name, and who may ask how often.

#include "http/message/message.hpp"
#include "services/user/guess_limiter.hpp"
#include "wire/json/json.hpp"

namespace market::user {

/// Mails with a code: to one account, and on behalf of one address.
inline constexpr GuessLimiter::Rate account_mail_rate{3, Millis(60'000)};
inline constexpr GuessLimiter::Rate address_mail_rate{30, Millis(10'000)};

/// Who asks, as limits see it; empty when nobody can tell.
std::string client_of(bool addresses_known, const http::Request& request);

/// No limit when nobody can tell who asks.
std::vector<GuessLimiter::Limit> address_limit(std::string_view what, const std::string& client,
                                               GuessLimiter::Rate rate);

/// The member `email`.
std::string read_email(wire::ObjectReader& reader);

}  // namespace market::user
