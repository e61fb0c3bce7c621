#pragma once
/// A user as the API shows one: never the password's hash.

#include <string>

#include "ports/accounts.hpp"

namespace market::user {

void append_user(std::string& out, const Account& account);

/// A syntactically sane address: one @, no white space or controls, at most 254 bytes (RFC 5321, 4.5.3.1.3).
bool is_email(std::string_view text);

}  // namespace market::user
