#pragma once
/// Addresses in the host of a URL, in each form that somebody reads.

#include <string>

namespace market::http {

/// Both are addresses, and the same: IPv4 as inet_aton() reads it (`127.1`, `0x7f.0.0.1`, `2130706433`), IPv6
/// in brackets.
bool is_same_address(const std::string& host, const std::string& other);

}  // namespace market::http
