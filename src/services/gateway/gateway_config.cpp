#include "services/gateway/gateway_config.hpp"

#include <algorithm>

#include "http/message/ascii.hpp"

namespace market::gateway {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool fits(const FieldPredicate& wanted, std::string_view value) {
  return !wanted.value || wanted.value->matches_all(value);
}

bool header_fits(const http::Request& request, const FieldPredicate& wanted) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const http::HeaderView& field) {
    return http::same_letters(field.name, wanted.name) && fits(wanted, field.value);
  });
}

bool query_fits(const http::Request& request, const FieldPredicate& wanted) {
  const auto value = request.query_parameter(wanted.name);
  return value && *value && fits(wanted, **value);
}

bool cookie_fits(const http::Request& request, const FieldPredicate& wanted) {
  for (const auto& field : request.headers) {
    if (!http::same_letters(field.name, "cookie")) continue;
    auto rest = field.value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      const auto pair = trimmed(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == wanted.name &&
          fits(wanted, pair.substr(equals + 1)))
        return true;
    }
  }
  return false;
}

bool host_fits(std::string_view asked, const std::vector<std::string>& hosts) {
  if (const auto colon = asked.rfind(':'); colon != std::string_view::npos && asked.back() != ']')
    asked = asked.substr(0, colon);
  return std::any_of(hosts.begin(), hosts.end(), [asked](std::string_view host) {
    if (!host.starts_with("*.")) return http::same_letters(host, asked);
    const auto suffix = host.substr(1);
    return asked.size() > suffix.size() &&
           http::same_letters(asked.substr(asked.size() - suffix.size()), suffix);
  });
}

bool holds(const Route& route, const http::Request& request, std::string_view client, Instant now) {
  if (!route.paths.empty() && std::none_of(route.paths.begin(), route.paths.end(),
                                           [&](const PathPattern& p) { return p.matches(request.path); }))
    return false;
  if (route.methods != 0 && (route.methods & (1u << static_cast<unsigned>(request.method))) == 0)
    return false;
  if (!route.hosts.empty() && !host_fits(request.header("host"), route.hosts)) return false;
  for (const auto& wanted : route.headers)
    if (!header_fits(request, wanted)) return false;
  for (const auto& wanted : route.query)
    if (!query_fits(request, wanted)) return false;
  for (const auto& wanted : route.cookies)
    if (!cookie_fits(request, wanted)) return false;
  if (!route.addresses.empty() &&
      std::none_of(route.addresses.begin(), route.addresses.end(),
                   [&](const http::Network& network) { return network.contains(client); }))
    return false;
  return (!route.after || now >= *route.after) && (!route.before || now < *route.before);
}

}  // namespace

void GatewayConfig::share_weights() {
  std::map<std::string, unsigned> totals;
  shares_.assign(routes.size(), Share());
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].weight_group.empty()) continue;
    auto& total = totals[routes[i].weight_group];
    shares_[i].begin = total;
    shares_[i].end = total += routes[i].weight;
  }
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (!routes[i].weight_group.empty()) shares_[i].total = std::max(1u, totals[routes[i].weight_group]);
}

const Route* GatewayConfig::match(const http::Request& request, std::string_view client, Instant now,
                                  std::uint64_t random) const {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto drawn = (random >> 16) % shares_[i].total;
    if (drawn < shares_[i].begin || drawn >= shares_[i].end) continue;
    if (holds(routes[i], request, client, now)) return &routes[i];
  }
  return nullptr;
}

}  // namespace market::gateway
