#pragma once
/// Where an instance that registered itself may be: whoever registers must not make the gateway call a
/// cloud's metadata service, or an address that is no single machine.
///
///   const AllowedAddresses allowed(networks_of(settings, "registry.networks"));
///   if (const auto why = allowed.refusal("169.254.169.254"); !why.empty()) …

#include <boost/asio/ip/address.hpp>

#include "http/message/client_address.hpp"

namespace market::http {

class AllowedAddresses {
 public:
  /// Besides what is never allowed: only these networks; none given: all.
  explicit AllowedAddresses(std::vector<Network> networks = {}) : networks_(std::move(networks)) {}

  /// Why nobody may be sent there, as "is …" or "lies …"; empty: it may be.
  std::string_view refusal(const AddressBytes& address) const;
  std::string_view refusal(const boost::asio::ip::address& address) const;
  /// Of an address or a host's name. Most names pass: what one means is judged again when it is resolved.
  std::string_view refusal(std::string_view host) const;
  /// Of an instance, as a sentence that names the member; empty: it is welcome.
  std::string refusal_of_instance(std::string_view host_name, std::string_view ip_address) const;

 private:
  std::vector<Network> networks_;
};

}  // namespace market::http
