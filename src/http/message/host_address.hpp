#pragma once
/// Addresses in the host of a URL, in each form that somebody reads.

#include <string>
#include <string_view>

namespace market::http {

/// As in a URL and in a Host field: an IPv6 address in brackets, anything else as it is.
std::string host_in_url(std::string_view host);
/// The reverse: as it is resolved and compared.
std::string bare_host(const std::string& host);

/// Both are addresses, and the same: IPv4 as inet_aton() reads it (`127.1`, `0x7f.0.0.1`, `2130706433`), IPv6
/// in brackets.
bool is_same_address(const std::string& host, const std::string& other);

}  // namespace market::http
