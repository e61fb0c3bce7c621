#include "services/gateway/gateway_config.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/client/response_parser.hpp"
#include "http/message/ascii.hpp"
#include "http/message/normal_path.hpp"
#include "services/gateway/cors.hpp"
#include "services/gateway/readings.hpp"

namespace market::gateway {
namespace {

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

bool takes_method(const Route& route, std::string_view method) {
  for (std::size_t i = 0; i < http::method_texts.size(); ++i)
    if (http::method_texts[i] == method) return (route.methods & (1u << i)) != 0;
  return false;
}

/// What a browser says of the request that is to come.
struct Announced {
  std::string_view method, fields;
  bool certain = true;  ///< It will have none of its own but `fields`; else whatever a route may ask for.
};

bool method_holds(const Route& route, const http::Request& request, const Announced* announced) {
  if (route.methods == 0) return true;
  return takes_method(route, announced ? announced->method : http::method_text(request.method));
}

/// Whether the request that is to come may have the field, with whatever value. The CORS-safelisted ones
/// (Fetch 2.2.2) are never announced; of them a preflight has an Accept of its own, and what else the browser
/// would send.
bool may_come(const Announced& announced, const http::Request& preflight, std::string_view name) {
  if (http::list_has(announced.fields, name) || http::same_letters(name, "accept")) return true;
  constexpr std::string_view unannounced[] = {"accept-language", "content-language", "content-type", "range"};
  return !preflight.has_header(name) &&
         std::any_of(std::begin(unannounced), std::end(unannounced),
                     [name](std::string_view field) { return http::same_letters(field, name); });
}

bool fields_hold(const Route& route, const http::Request& request, const Announced* announced) {
  if (announced && !announced->certain) return true;
  for (const auto& wanted : route.headers)
    if (!header_fits(request, wanted) && !(announced && may_come(*announced, request, wanted.name)))
      return false;
  for (const auto& wanted : route.cookies)
    if (!cookie_fits(request, wanted)) return false;
  return true;
}

/// All predicates but the path's.
bool holds(const Route& route, const http::Request& request, std::string_view client, Instant now,
           const Announced* announced = nullptr) {
  if (!method_holds(route, request, announced)) return false;
  if (!route.hosts.empty() && !host_fits(request.header("host"), route.hosts)) return false;
  if (!fields_hold(route, request, announced)) return false;
  for (const auto& wanted : route.query)
    if (!query_fits(request, wanted)) return false;
  if (!route.addresses.empty() &&
      std::none_of(route.addresses.begin(), route.addresses.end(),
                   [&](const http::Network& network) { return network.contains(client); }))
    return false;
  return (!route.after || now >= *route.after) && (!route.before || now < *route.before);
}

bool is_limited(const Route& route) {
  return route.user_rate.per_second > 0 || route.address_rate.per_second > 0 ||
         route.route_rate.per_second > 0;
}
bool denies(const Route& route) {
  return route.answer && route.answer->status >= 400;
}
/// Whether `other` keeps out somebody whom `route` lets in.
bool is_weaker(const Route& route, const Route& other) {
  return (other.authenticated && !route.authenticated) || (denies(other) && !denies(route)) ||
         (is_limited(other) && !is_limited(route));
}

}  // namespace

struct GatewayConfig::Question {
  const http::Request& request;
  std::string_view client;
  Instant now;
  std::uint64_t random;
};

bool GatewayConfig::trusts(std::string_view peer) const {
  return std::any_of(trusted_proxies.begin(), trusted_proxies.end(),
                     [peer](const http::Network& network) { return network.contains(peer); });
}

void GatewayConfig::complete() {
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
  limits_bodies_ =
      std::any_of(routes.begin(), routes.end(), [](const Route& route) { return route.body_bytes_max > 0; });
  own_origins_ =
      std::any_of(routes.begin(), routes.end(), [](const Route& route) { return route.cors.has_value(); });
  leads_away_ = std::any_of(routes.begin(), routes.end(), [](const Route& route) {
    const auto& paths = route.paths;
    return !route.at_home && (paths.empty() || std::any_of(paths.begin(), paths.end(), [](const auto& path) {
                                return path.may_match_below("/api/v1/");
                              }));
  });
  protects_ = std::any_of(routes.begin(), routes.end(), [](const Route& route) {
    return route.authenticated || denies(route) || is_limited(route);
  });
}

bool GatewayConfig::is_drawn(std::size_t route, std::uint64_t random) const {
  const Share& share = shares_[route];
  if (share.end - share.begin == share.total) return true;  // Most share with none, and a division is dear.
  const auto drawn = (random >> 16) % share.total;
  return drawn >= share.begin && drawn < share.end;
}

template <class PathFits>
const Route* GatewayConfig::first(const Question& question, PathFits path_fits) const {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (!is_drawn(i, question.random)) continue;
    const auto& paths = routes[i].paths;
    if (!paths.empty() && std::none_of(paths.begin(), paths.end(), path_fits)) continue;
    if (holds(routes[i], question.request, question.client, question.now)) return &routes[i];
  }
  return nullptr;
}

/// Whose request a preflight announces, where the gateway itself answers it: nothing of it is passed on.
/// Null: it is a request like any other.
template <class PathFits>
const Route* GatewayConfig::announced(const Question& question, PathFits path_fits) const {
  const auto& request = question.request;
  Announced to_come{request.header("access-control-request-method"),
                    request.header("access-control-request-headers")};
  for (const bool certain : {true, false}) {
    to_come.certain = certain;
    for (std::size_t i = 0; i < routes.size(); ++i) {
      const Route& route = routes[i];
      if (!is_drawn(i, question.random)) continue;
      if (!route.paths.empty() && std::none_of(route.paths.begin(), route.paths.end(), path_fits)) continue;
      const bool answers = route.cors || cors;
      if (answers && holds(route, request, question.client, question.now, &to_come)) return &route;
      if (holds(route, request, question.client, question.now)) return nullptr;
    }
  }
  return nullptr;
}

/// Whether some server could read the request as one that a rule protects to which `route` is the weaker.
bool GatewayConfig::may_be_stronger(const Question& question, const Route& route,
                                    const std::string& path) const {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& other = routes[i];
    if (!is_drawn(i, question.random)) continue;
    const bool fits =
        other.paths.empty() || std::any_of(other.paths.begin(), other.paths.end(),
                                           [&path](const PathPattern& p) { return p.matches_folded(path); });
    if (!fits) continue;
    const auto holds = predicates_hold(other, question.request, question.client, question.now);
    if (holds == Holds::in_none) continue;
    if (is_weaker(route, other)) return true;
    if (holds == Holds::in_all) return false;  // Nobody looks further.
  }
  return false;
}

const Route* GatewayConfig::match(const http::Request& request, std::string_view client, Instant now,
                                  std::uint64_t random) const {
  const Question question{request, client, now, random};
  std::string stripped;
  std::string_view path = request.path;
  if (path.find(';') != std::string_view::npos) path = stripped = http::without_parameters(path);
  const auto path_fits = [path](const PathPattern& p) { return p.matches(path); };
  if (own_origins_ && is_preflight(request))
    if (const auto* const route = announced(question, path_fits)) return route;
  const auto* const route = first(question, path_fits);
  if (!route || !protects_) return route;
  for (const auto& reading : http::readings_of(request.path))
    if (may_be_stronger(question, *route, reading)) return nullptr;
  return route;
}

}  // namespace market::gateway
