#pragma once
/// HTTP's Basic scheme: what is sent, and a comparison whose time does not tell how much was right.

#include <string>
#include <string_view>

namespace market::wire {

/// The value of an Authorization header for `user:password`.
std::string basic_authorization(std::string_view user_and_password);
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace market::wire
