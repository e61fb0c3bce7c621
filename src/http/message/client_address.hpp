#pragma once
/// Networks, and who the client behind trusted proxies is.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "http/message/request.hpp"

namespace market::http {

/// 16 bytes; IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<unsigned char, 16>;
/// False: no literal address.
bool parse_ip(std::string_view text, AddressBytes& bytes);

/// `10.0.0.0/8`, `::1`, `2001:db8::/32`.
class Network {
 public:
  /// Throws std::invalid_argument with one clear line.
  explicit Network(std::string_view text);
  bool contains(const AddressBytes& address) const;
  bool contains(std::string_view address) const;

 private:
  AddressBytes bytes_{};
  unsigned bits_ = 128;
};

/// The peer; or, when the peer is one of `trusted`, the last hop of X-Forwarded-For that is not: an address
/// without port, brackets and quotes, a proxy's own name for it (RFC 7239: `_x`), or, when it says neither,
/// empty: somebody, but who? Neither is inside of a network. A view into the request.
std::string_view client_address(const Request& request, const std::vector<Network>& trusted);

/// As RFC 7239 6.3 names whom no address can tell from others: somebody behind this connection.
std::string name_of_connection(std::uint64_t connection);

/// What a limit per address counts by: an IPv4 address or the /64 of an IPv6 one, as a hash.
std::uint64_t address_bucket(std::string_view address);

}  // namespace market::http
