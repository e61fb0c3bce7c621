#pragma once
/// A user as the API shows one: never the password's hash.

#include <string>

#include "ports/accounts.hpp"
#include "wire/json/json_writer.hpp"

namespace market::user {

void append_user(wire::JsonWriter& json, const Account& account);
/// The same without braces, for pages that say more.
void append_user_members(wire::JsonWriter& json, const Account& account);

/// An address as the HTML standard's <input type=email> takes it, with a dot in the domain, at most 254 bytes
/// (RFC 5321, 4.5.3.1.3).
bool is_email(std::string_view text);

/// What a session shows of its User-Agent: at most 200 bytes, everything but printable ASCII as '?'.
std::string device_of(std::string_view user_agent);

}  // namespace market::user
