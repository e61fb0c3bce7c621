#include "apps/settings/gateway_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "apps/roles/serve_parts.hpp"
#include "http/message/ascii.hpp"
#include "http/message/head_parser.hpp"
#include "services/gateway/path_pattern.hpp"

namespace market::apps {
namespace {

using gateway::Route;

constexpr Millis timeout_max{3'600'000};
constexpr double per_second_max = 1e9;

/// What patterns and networks say of themselves, with the member's name before it.
template <class Make>
auto made(const TomlReader& reader, std::string_view name, const Make& make) {
  try {
    return make();
  } catch (const std::invalid_argument& mistake) {
    reader.refuse(name, fmt::format("cannot be this: {}", mistake.what()));
  }
}

std::vector<gateway::FieldPredicate> predicates(TomlReader& reader, const char* name) {
  std::vector<gateway::FieldPredicate> list;
  for (auto& [field, value] : reader.pairs(name)) {
    gateway::FieldPredicate predicate{field, std::nullopt};
    if (!value.empty())
      predicate.value.emplace(made(reader, name, [&text = value] { return gateway::Pattern(text); }));
    list.push_back(std::move(predicate));
  }
  return list;
}

/// A path that the gateway answers itself or keeps from the outside: a route there would never be taken, and
/// a prefix would lead there.
bool is_reserved(std::string_view path) {
  return gateway::is_internal_path(path) || path == "/health" || path.starts_with("/health/");
}
constexpr std::string_view reserved_problem =
    "'{}' is none of the outside's: /health, /metrics, /info, /eureka, /actuator and /internal are reserved";

/// The gateway writes these itself; two of one would let the next hop read another message than was sent.
bool belongs_to_the_gateway(std::string_view field) {
  constexpr std::string_view names[] = {"Host",    "Content-Length", "Transfer-Encoding", "Connection", "TE",
                                        "Trailer", "Keep-Alive",     "Upgrade",           "Expect"};
  if (http::same_letters(field.substr(0, 6), "proxy-")) return true;
  return std::any_of(std::begin(names), std::end(names),
                     [field](std::string_view name) { return http::same_letters(field, name); });
}

/// Header names and values that could forge another header are refused here, once.
std::vector<gateway::FieldChange> changes(TomlReader& reader, const char* name) {
  std::vector<gateway::FieldChange> list;
  for (auto& [field, value] : reader.pairs(name)) {
    http::HeaderView view;
    if (http::parse_field_line(field + ": " + value, view) != http::FieldLine::valid)
      reader.refuse(name, fmt::format("'{}' is no header field", field));
    else if (belongs_to_the_gateway(field))
      reader.refuse(name, fmt::format("'{}' is written by the gateway itself", field));
    list.push_back({field, value});
  }
  return list;
}

/// Names of fields to leave out.
std::vector<std::string> field_names(TomlReader& reader, const char* name) {
  auto names = reader.texts(name);
  for (const auto& field : names) {
    http::HeaderView view;
    if (http::parse_field_line(field + ": x", view) != http::FieldLine::valid)
      reader.refuse(name, fmt::format("'{}' is no header field", field));
  }
  return names;
}

gateway::RateLimit rate(TomlReader& reader, const char* name) {
  auto table = reader.table(name);
  if (!table) return {};
  gateway::RateLimit limit;
  if (!table->has("per_second")) reader.refuse(name, "needs per_second");
  limit.per_second = table->decimal("per_second", 0, 0.001, per_second_max);
  limit.burst = table->decimal("burst", std::max(1.0, limit.per_second * 2), 1, per_second_max);
  table->finish();
  return limit;
}

std::optional<gateway::FixedAnswer> fixed_answer(TomlReader& reader, const char* name) {
  auto table = reader.table(name);
  if (!table) return std::nullopt;
  gateway::FixedAnswer answer;
  answer.status = static_cast<int>(table->number("status", 200, 200, 599));
  answer.content_type = table->text("content_type").value_or("application/json");
  http::HeaderView field;
  if (http::parse_field_line("Content-Type: " + answer.content_type, field) != http::FieldLine::valid)
    table->refuse("content_type", "is no value of a header field");
  answer.body = table->text("body").value_or("");
  table->finish();
  return answer;
}

void read_target(TomlReader& reader, Route& route) {
  route.service = http::lower_text(reader.text("service").value_or(""));
  if (const auto uri = reader.text("uri")) {
    constexpr std::string_view scheme = "http://";
    const auto address = uri->starts_with(scheme) ? read_address(uri->substr(scheme.size())) : std::nullopt;
    if (!address || address->port == 0)
      reader.refuse("uri", fmt::format("must be http://HOST:PORT, and is '{}'", *uri));
    route.host = address->host;
    route.port = address->port;
  }
}

void read_predicates(TomlReader& reader, Route& route) {
  for (const auto& path : reader.texts("path")) {
    if (is_reserved(path)) reader.refuse("path", fmt::format(reserved_problem, path));
    route.paths.push_back(made(reader, "path", [&] { return gateway::PathPattern(path); }));
  }
  route.hosts = reader.texts("host");
  for (const auto& text : reader.texts("method")) {
    const auto found = std::find(http::method_texts.begin(), http::method_texts.end(), text);
    if (found == http::method_texts.end()) reader.refuse("method", fmt::format("'{}' is no method", text));
    route.methods |= 1u << (found - http::method_texts.begin());
  }
  route.headers = predicates(reader, "headers");
  route.query = predicates(reader, "query");
  route.cookies = predicates(reader, "cookies");
  for (const auto& network : reader.texts("remote_address"))
    route.addresses.push_back(made(reader, "remote_address", [&] { return http::Network(network); }));
  route.after = reader.time("after");
  route.before = reader.time("before");
  if (route.after && route.before && *route.after >= *route.before)
    reader.refuse("before", "must be later than after");
  if (reader.has("weight") != reader.has("weight_group"))
    reader.refuse(reader.has("weight") ? "weight" : "weight_group",
                  "needs the other one of weight and weight_group");
  route.weight_group = reader.text("weight_group").value_or("");
  if (reader.has("weight_group") && route.weight_group.empty()) reader.refuse("weight_group", "is empty");
  route.weight = static_cast<unsigned>(reader.number("weight", 1, 0, 1'000'000));
}

void read_filters(TomlReader& reader, Route& route) {
  if (auto table = reader.table("rewrite")) {
    const auto from = table->text("from"), to = table->text("to");
    if (!from || !to) reader.refuse("rewrite", "needs from and to");
    route.rewrite = gateway::Rewrite{made(*table, "from", [&] { return gateway::Pattern(*from); }), *to};
    if (const auto problem = route.rewrite->from.problem_with(*to); !problem.empty())
      reader.refuse("rewrite", problem);
    table->finish();
  }
  route.strip_prefix = static_cast<std::size_t>(reader.number("strip_prefix", 0, 0, 32));
  route.prefix_path = reader.text("prefix_path").value_or("");
  if (!route.prefix_path.empty() && (route.prefix_path.front() != '/' || route.prefix_path.back() == '/'))
    reader.refuse("prefix_path", "must begin with a slash and not end with one");
  if (is_reserved(route.prefix_path))
    reader.refuse("prefix_path", fmt::format(reserved_problem, route.prefix_path));
  route.add_request_headers = changes(reader, "add_request_headers");
  route.set_request_headers = changes(reader, "set_request_headers");
  route.remove_request_headers = field_names(reader, "remove_request_headers");
  route.add_response_headers = changes(reader, "add_response_headers");
  route.set_response_headers = changes(reader, "set_response_headers");
  route.remove_response_headers = field_names(reader, "remove_response_headers");
  route.answer = fixed_answer(reader, "answer");
  if (auto table = reader.table("redirect")) {
    gateway::FixedAnswer answer;
    answer.status = static_cast<int>(table->number("status", 302, 301, 308));
    if (answer.status > 303 && answer.status < 307)
      table->refuse("status", "must be 301, 302, 303, 307 or 308");
    answer.location = table->text("location").value_or("");
    if (answer.location.empty() || answer.location.find_first_of("\r\n") != std::string::npos)
      reader.refuse("redirect", "needs a location");
    table->finish();
    route.answer = answer;
  }
  route.set_status = static_cast<int>(reader.number("set_status", 0, 200, 599));
  route.body_bytes_max = static_cast<std::size_t>(reader.number("body_bytes_max", 0, 0, 1 << 30));
}

void read_policies(TomlReader& reader, Route& route) {
  route.timeout = reader.duration("timeout", route.timeout, Millis(1), timeout_max);
  route.try_timeout =
      reader.duration("try_timeout", std::min(route.try_timeout, route.timeout), Millis(1), timeout_max);
  route.retries = static_cast<int>(reader.number("retries", route.retries, 0, 10));
  route.idle_time = reader.duration("idle_time", route.idle_time, Millis(0), timeout_max);
  route.repeat_with_key = reader.flag("repeat_with_key", false);
  route.in_flight_max = static_cast<std::size_t>(
      reader.number("in_flight_max", static_cast<std::int64_t>(route.in_flight_max), 1, 1'000'000));
  if (auto table = reader.table("breaker")) {
    auto& breaker = route.breaker;
    breaker.failure_percent =
        static_cast<unsigned>(table->number("failure_percent", breaker.failure_percent, 0, 100));
    breaker.requests_min =
        static_cast<unsigned>(table->number("requests_min", breaker.requests_min, 1, 1'000'000));
    breaker.window = table->duration("window", breaker.window, Millis(10), timeout_max);
    breaker.open_for = table->duration("open_for", breaker.open_for, Millis(10), timeout_max);
    table->finish();
  }
  route.fallback = fixed_answer(reader, "fallback");
  route.fallback_service = http::lower_text(reader.text("fallback_service").value_or(""));
  route.user_rate = rate(reader, "user_rate");
  route.address_rate = rate(reader, "address_rate");
  route.route_rate = rate(reader, "route_rate");
  if (auto table = reader.table("cors")) {
    gateway::CorsPolicy policy;
    policy.origins = table->texts("origins");
    check_origins(policy.origins, fmt::format("gateway.routes \"{}\": cors.origins", route.id));
    policy.methods = table->text("methods").value_or(policy.methods);
    policy.headers = table->text("headers").value_or(policy.headers);
    if (table->flag("credentials", false))
      table->refuse("credentials",
                    "cannot be true: cookies count for pages of the gateway's own origin alone");
    policy.max_age_seconds = static_cast<int>(table->number("max_age", policy.max_age_seconds, 0, 86'400));
    table->finish();
    route.cors = std::move(policy);
  }
  if (const auto text = reader.text("priority")) {
    if (*text == "paying")
      route.priority = gateway::Priority::paying;
    else if (*text == "ordering")
      route.priority = gateway::Priority::ordering;
    else if (*text == "browsing")
      route.priority = gateway::Priority::browsing;
    else
      reader.refuse("priority", "is none of paying, ordering, browsing");
  }
  route.coalesce = reader.flag("coalesce", false);
  route.authenticated = reader.flag("authenticated", false);
}

/// What is about sending a request on means nothing where it is carried out, and must not seem to protect it.
void expect_home_route(const TomlReader& reader, const Route& route) {
  for (const char* name : {"rewrite",
                           "strip_prefix",
                           "prefix_path",
                           "add_request_headers",
                           "set_request_headers",
                           "remove_request_headers",
                           "add_response_headers",
                           "set_response_headers",
                           "remove_response_headers",
                           "set_status",
                           "body_bytes_max",
                           "weight",
                           "weight_group",
                           "timeout",
                           "try_timeout",
                           "retries",
                           "idle_time",
                           "repeat_with_key",
                           "breaker",
                           "fallback",
                           "fallback_service",
                           "coalesce"})
    if (reader.has(name))
      reader.refuse(
          name, fmt::format("cannot be honoured with --role all: {} is this very process", route.service));
}

Route read_route(const toml::table& table, std::size_t number, bool at_home) {
  const auto id = table["id"].value<std::string>().value_or("");
  const auto where = id.empty() ? fmt::format("gateway.routes, number {}", number)
                                : fmt::format("gateway.routes \"{}\"", id);
  TomlReader reader(table, where);
  Route route;
  route.id = reader.text("id").value_or("");
  if (route.id.empty()) reader.refuse("id", "is missing");
  read_target(reader, route);
  read_predicates(reader, route);
  read_filters(reader, route);
  read_policies(reader, route);
  if (at_home && gateway::is_own_service(route.fallback_service))
    reader.refuse("fallback_service", "cannot be this very process (--role all)");
  route.at_home = at_home && gateway::is_own_service(route.service);
  if (route.at_home) expect_home_route(reader, route);
  reader.finish();
  const int targets = !route.service.empty() + !route.host.empty() + route.answer.has_value();
  if (targets != 1) reader.refuse_all("needs exactly one of service, uri, answer and redirect");
  for (const auto& [name, value] : table) {  // A member a line: a text's own line breaks are escaped.
    std::ostringstream text;
    text << toml::json_formatter(value);
    std::string line = text.str();
    std::erase(line, '\n');
    route.source += fmt::format("{}={}\n", name.str(), line);
  }
  return route;
}

}  // namespace

void check_origins(const std::vector<std::string>& origins, const std::string& where) {
  for (const auto& origin : origins) {
    const auto scheme = origin.find("://");
    const bool known = scheme != std::string::npos &&
                       (origin.starts_with("http://") || origin.starts_with("https://")) &&
                       origin.size() > scheme + 3 && origin.find('/', scheme + 3) == std::string::npos &&
                       origin.find('*') == std::string::npos;
    if (!known)
      throw UsageError(fmt::format("{}: '{}' is no origin such as https://shop.example", where, origin));
  }
}

std::vector<Route> read_routes(const toml::node& routes, bool at_home) {
  const auto* const list = routes.as_array();
  const auto refuse = [](const toml::node& at, const std::string& problem) {
    throw UsageError(fmt::format("{}{}", toml_place(at.source()), problem));
  };
  constexpr const char* wrong_kind = "gateway.routes must be written as [[gateway.routes]]";
  if (!list) refuse(routes, wrong_kind);
  std::vector<Route> read;
  std::set<std::string> ids;
  for (const auto& node : *list) {
    const auto* const table = node.as_table();
    if (!table) refuse(node, wrong_kind);
    read.push_back(read_route(*table, read.size() + 1, at_home));
    if (!ids.insert(read.back().id).second)
      refuse(node, fmt::format("gateway.routes: the id \"{}\" stands twice", read.back().id));
  }
  std::map<std::string, std::uint64_t> weights;
  for (const Route& route : read)
    if (!route.weight_group.empty()) weights[route.weight_group] += route.weight;
  for (const Route& route : read)
    if (!route.weight_group.empty() && weights[route.weight_group] == 0)
      throw UsageError(fmt::format("gateway.routes \"{}\": weight: all of weight_group \"{}\" are 0",
                                   route.id, route.weight_group));
  return read;
}

}  // namespace market::apps
