#pragma once
/// Which passwords are taken (NIST SP 800-63B 5.1.1.2): long enough, any characters, not easily guessed, no
/// other rule.

#include <string_view>

#include "base/result.hpp"

namespace market::user {

inline constexpr std::size_t password_characters_min = 10;
inline constexpr std::size_t password_bytes_max = 512;

/// zxcvbn's: a million guesses are not enough. Sign-ins are limited to far fewer.
inline constexpr int password_score_min = 2;

/// `password`: as wire::prepared_password() gives it. Errors: validation, with `field` as the wrong member.
Result<> check_password(std::string_view password, std::string_view email, std::string field);

}  // namespace market::user
