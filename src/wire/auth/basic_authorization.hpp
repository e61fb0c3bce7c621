#pragma once
/// HTTP's Basic scheme: what is sent, and a comparison whose time does not tell how much was right.

#include <string>
#include <string_view>

namespace market::wire {

/// The value of an Authorization header for `user:password`.
std::string basic_authorization(std::string_view user_and_password);
/// Whether an Authorization header says the same as `wanted`, a value of basic_authorization(): the scheme's
/// case and the number of spaces behind it do not matter (RFC 9110 11.4).
bool is_basic_authorization(std::string_view sent, std::string_view wanted);
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace market::wire
