#include "http/message/allowed_addresses.hpp"

#include <algorithm>

namespace market::http {
namespace {

struct Forbidden {
  Network network;
  std::string_view why;
};

const std::vector<Forbidden>& never_allowed() {
  static const std::vector<Forbidden> all{
      {Network("0.0.0.0/8"), "is an unspecified address"},
      {Network("::/128"), "is an unspecified address"},
      {Network("169.254.0.0/16"), "is a link-local address"},
      {Network("fe80::/10"), "is a link-local address"},
      // Link-local IPv4 as the translators of RFC 6052 and RFC 3056 write it.
      {Network("64:ff9b::a9fe:0/112"), "is a link-local address"},
      {Network("2002:a9fe::/32"), "is a link-local address"},
      {Network("224.0.0.0/4"), "is a multicast address"},
      {Network("ff00::/8"), "is a multicast address"},
      {Network("240.0.0.0/4"), "is a reserved or broadcast address"},
      // Metadata services of clouds that are not link-local (Amazon's by IPv6, Alibaba's).
      {Network("fd00:ec2::254"), "is a cloud's metadata service"},
      {Network("100.100.100.200"), "is a cloud's metadata service"},
  };
  return all;
}

/// `2852039166`, `0xA9.254.43518`: resolvers read such names as IPv4 addresses.
bool ends_in_a_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto label = host.substr(host.rfind('.') + 1);
  if (label.empty()) return false;
  return label.starts_with("0x") || label.starts_with("0X") ||
         label.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string_view AllowedAddresses::refusal(const AddressBytes& address) const {
  for (const auto& forbidden : never_allowed())
    if (forbidden.network.contains(address)) return forbidden.why;
  const auto holds = [&](const Network& network) { return network.contains(address); };
  if (networks_.empty() || std::any_of(networks_.begin(), networks_.end(), holds)) return {};
  return "lies in none of registry.networks";
}

std::string_view AllowedAddresses::refusal(const boost::asio::ip::address& address) const {
  namespace ip = boost::asio::ip;
  return refusal(address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes()
                                 : address.to_v6().to_bytes());
}

std::string_view AllowedAddresses::refusal(std::string_view host) const {
  AddressBytes bytes;
  if (parse_ip(host, bytes)) return refusal(bytes);
  if (host.find_first_of(":%[]") != std::string_view::npos || ends_in_a_number(host))
    return "is no well-formed address";
  return {};
}

std::string AllowedAddresses::refusal_of_instance(std::string_view host_name,
                                                  std::string_view ip_address) const {
  AddressBytes ignored;
  if (!networks_.empty() && !parse_ip(ip_address, ignored))
    return "ipAddr must be an address, because registry.networks limits it";
  for (const auto& [member, value] : {std::pair{"ipAddr", ip_address}, {"hostName", host_name}})
    if (const auto why = refusal(value); !why.empty())
      return std::string(member).append(" ").append(value).append(" ").append(why);
  return {};
}

}  // namespace market::http
