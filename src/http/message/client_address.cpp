#include "http/message/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/proxy_addresses.hpp"
#include "http/message/trace.hpp"

namespace market::http {
namespace {

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

/// RFC 7239 6.3, bounded: `_` and letters, digits, `.`, `_`, `-`.
bool is_name(std::string_view text) {
  return text.size() >= 2 && text.size() <= 64 && text.front() == '_' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
}

/// As proxies write an address: bare, with a port, in brackets, in quotes. Empty: unreadable.
std::string_view hop_of(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = trimmed(text.substr(1, text.size() - 2));
  AddressBytes bytes;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return {};
    const auto rest = text.substr(close + 1);
    text = text.substr(1, close - 1);
    const bool v6 = text.find(':') != std::string_view::npos;
    return v6 && (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)))) && parse_ip(text, bytes)
               ? text
               : std::string_view();
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && colon == text.rfind(':') && is_port(text.substr(colon + 1)))
    text = text.substr(0, colon);
  return is_name(text) || parse_ip(text, bytes) ? text : std::string_view();
}

}  // namespace

bool is_in(std::string_view address, const std::vector<Network>& networks) {
  AddressBytes bytes;
  if (!parse_ip(address, bytes)) return false;
  return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(bytes); });
}

bool parse_ip(std::string_view text, AddressBytes& bytes) {
  char zero_ended[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_ended) return false;
  text.copy(zero_ended, text.size());
  zero_ended[text.size()] = '\0';
  bytes = {};
  if (::inet_pton(AF_INET6, zero_ended, bytes.data()) == 1) return true;
  bytes = {};
  if (::inet_pton(AF_INET, zero_ended, bytes.data() + 12) != 1) return false;
  bytes[10] = bytes[11] = 0xFF;
  return true;
}

Network::Network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  const std::string mistake = "'" + std::string(text) + "' is no network; write 10.0.0.0/8 or 2001:db8::/32";
  if (!parse_ip(address, bytes_)) throw std::invalid_argument(mistake);
  const bool v4 = address.find(':') == std::string_view::npos;
  if (slash == std::string_view::npos) return;
  const auto digits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits_);
  if (error != std::errc() || end != digits.data() + digits.size() || bits_ > (v4 ? 32u : 128u))
    throw std::invalid_argument(mistake);
  if (v4) bits_ += 96;
}

bool Network::contains(const AddressBytes& address) const {
  const auto whole = bits_ / 8;
  if (std::memcmp(address.data(), bytes_.data(), whole) != 0) return false;
  if (bits_ % 8 == 0) return true;
  const auto mask = static_cast<unsigned char>(0xFF << (8 - bits_ % 8));
  return (address[whole] & mask) == (bytes_[whole] & mask);
}

bool Network::contains(std::string_view address) const {
  AddressBytes bytes;
  return parse_ip(address, bytes) && contains(bytes);
}

std::string_view client_address(const Request& request, const std::vector<Network>& trusted) {
  if (trusted.empty() || !is_in(request.remote_address, trusted)) return request.remote_address;
  // From the last hop to the first; several fields count as one list, empty elements as none (RFC
  // 9110 5.6.1).
  auto client = request.remote_address;
  for (auto field = request.headers.rbegin(); field != request.headers.rend(); ++field) {
    if (!same_letters(field->name, "x-forwarded-for")) continue;
    auto list = field->value;
    for (;;) {
      const auto comma = list.rfind(',');
      const auto element = trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1));
      if (!element.empty()) {
        const auto hop = hop_of(element);
        if (hop.empty()) return {};  // And nothing before it can be believed.
        if (!is_in(hop, trusted)) return hop;
        client = hop;
      }
      if (comma == std::string_view::npos) break;
      list = list.substr(0, comma);
    }
  }
  return client;
}

std::string_view claimed_address(const Request& request) {
  for (auto field = request.headers.rbegin(); field != request.headers.rend(); ++field)
    if (same_letters(field->name, "x-forwarded-for"))
      return hop_of(trimmed(field->value.substr(field->value.rfind(',') + 1)));
  return {};
}

std::string name_of_connection(std::uint64_t connection) {
  std::string name(17, '_');
  write_hex(connection, name.data() + 1);
  return name;
}

std::uint64_t address_bucket(std::string_view address) {
  AddressBytes bytes{};
  if (!parse_ip(address, bytes)) return std::hash<std::string_view>()(address);
  static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool v4 = std::memcmp(bytes.data(), mapped, sizeof mapped) == 0;
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), v4 ? 16u : 8u});
}

}  // namespace market::http
