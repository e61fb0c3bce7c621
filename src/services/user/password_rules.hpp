#pragma once
/// Which passwords are taken (NIST SP 800-63B 5.1.1.2): long enough, any characters, not common, no other
/// rule.

#include <string_view>

#include "base/result.hpp"

namespace market::user {

inline constexpr std::size_t password_characters_min = 10;
inline constexpr std::size_t password_bytes_max = 512;

/// Errors: validation, with `field` as the wrong member.
Result<> check_password(std::string_view password, std::string_view email, std::string field);

}  // namespace market::user
