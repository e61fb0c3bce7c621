#include "services/gateway/forwarded_message.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "http/message/ascii.hpp"
#include "http/message/field_list.hpp"
#include "http/message/head_text.hpp"
#include "http/message/normal_path.hpp"
#include "http/message/reply_writer.hpp"
#include "http/message/status_line.hpp"
#include "http/message/trace.hpp"
#include "services/gateway/name_set.hpp"

namespace market::gateway {
namespace {

using http::same_letters;

constexpr NameSet hop_by_hop{
    std::array<std::string_view, 9>{"connection", "keep-alive", "proxy-connection", "proxy-authenticate",
                                    "proxy-authorization", "te", "transfer-encoding", "trailer", "upgrade"}};
/// Ours to write, or another way to say who one is or what one wants.
constexpr NameSet ours{std::array<std::string_view, 29>{"host",
                                                        "content-length",
                                                        "expect",
                                                        "forwarded",
                                                        "x-request-id",
                                                        "traceparent",
                                                        "x-role",
                                                        "x-real-ip",
                                                        "x-original-url",
                                                        "x-http-method-override",
                                                        "x-rewrite-url",
                                                        "x-request-timeout-ms",
                                                        "x-client-ip",
                                                        "client-ip",
                                                        "true-client-ip",
                                                        "cf-connecting-ip",
                                                        "fastly-client-ip",
                                                        "x-cluster-client-ip",
                                                        "x-originating-ip",
                                                        "x-remote-ip",
                                                        "x-remote-addr",
                                                        "x-original-host",
                                                        "x-host",
                                                        "x-method-override",
                                                        "proxy",  // CGI makes HTTP_PROXY of it.
                                                        "x-http-method",
                                                        http::independent_field,
                                                        http::copy_field,
                                                        http::decided_field}};
/// Who asks, and what he has seen already.
constexpr NameSet personal{std::array<std::string_view, 3>{"authorization", "cookie", "last-event-id"}};
constexpr NameSet not_for_clients{std::array<std::string_view, 6>{"content-length", "server", "x-powered-by",
                                                                  "x-request-id", http::independent_field,
                                                                  http::decided_field}};

bool starts_with_letters(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && same_letters(name.substr(0, prefix.size()), prefix);
}

/// The fields that Connection names; nearly always none but keep-alive and close.
template <class Headers>
std::string_view connection_list(const Headers& headers, std::string& joined) {
  std::string_view first;
  for (const auto& field : headers) {
    if (field.name.size() != 10 || !same_letters(field.name, "connection")) continue;
    if (first.empty() && joined.empty())
      first = field.value;
    else
      joined.append(joined.empty() ? first : "").append(",").append(field.value);
  }
  return joined.empty() ? first : std::string_view(joined);
}

bool is_removed(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](const auto& n) { return same_letters(n, name); });
}
bool is_set(const std::vector<FieldChange>& changes, std::string_view name) {
  return std::any_of(changes.begin(), changes.end(),
                     [name](const auto& c) { return same_letters(c.name, name); });
}

constexpr std::size_t lines_room = 1'024;  ///< Of what is written besides the fields that are passed on.

/// Never passed on, whatever `Connection` says.
bool is_dropped_request_field(std::string_view name) {
  if (hop_by_hop.has(name) || ours.has(name)) return true;
  if (name.find('_') != std::string_view::npos) return true;  // Some servers take it for a hyphen.
  return http::lower(name[0]) == 'x' &&
         (starts_with_letters(name, "x-forwarded") || starts_with_letters(name, "x-user-"));
}

bool is_named(std::string_view connection, std::string_view name) {
  return !connection.empty() && http::list_has(connection, name);
}

}  // namespace

bool names_fields(const http::Request& request) {
  const auto is_field = [](std::string_view option) {
    return !option.empty() && !same_letters(option, "keep-alive") && !same_letters(option, "close") &&
           !same_letters(option, "upgrade");
  };
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const http::HeaderView& field) {
    return field.name.size() == 10 && same_letters(field.name, "connection") &&
           http::any_in_list(field.value, is_field);
  });
}

void drop_named_fields(http::Request& request) {
  std::string joined;
  const auto connection = connection_list(request.headers, joined);
  const auto goes = [connection](const http::HeaderView& field) {
    return !is_dropped_request_field(field.name) && is_named(connection, field.name);
  };
  auto& headers = request.headers;
  headers.erase(std::remove_if(headers.begin(), headers.end(), goes), headers.end());
}

Result<std::string> forwarded_target(const http::Request& request, const Route& route) {
  std::string path(request.path);
  for (std::size_t i = 0; i < route.strip_prefix; ++i) {
    const auto next = path.find('/', 1);
    path = next == std::string::npos ? "/" : path.substr(next);
  }
  // Parameters must not lead past a rewrite, as they lead past no route: such a path loses them.
  if (route.rewrite && !route.rewrite->from.replace(path, route.rewrite->to)) {
    auto bare = http::without_parameters(path);
    if (route.rewrite->from.replace(bare, route.rewrite->to)) path = std::move(bare);
  }
  if (!route.prefix_path.empty()) path.insert(0, route.prefix_path);
  const bool changed = path != request.path;
  // The client chose parts of what a rewrite made: it must still be a path, and not lead inside.
  for (const char c : path)
    if (changed && !http::ascii::is(c, http::ascii::path))
      return fail(Code::not_found, "there is nothing here");
  if (changed) {
    const auto normal = http::normal_path(path);
    if (!normal || is_internal_path(*normal)) return fail(Code::not_found, "there is nothing at this path");
    path = *normal;
  }
  if (request.target.find('?') != std::string_view::npos) path.append("?").append(request.query);
  return path;
}

namespace {

/// Whether the instance gets this field: without its key, no POST is safe to repeat.
bool is_passed_on(const http::Request& request, const Route& route, std::string_view name) {
  if (!request.has_header(name) || is_removed(route.remove_request_headers, name)) return false;
  std::string joined;
  return !http::list_has(connection_list(request.headers, joined), name);
}

/// API.md: POST /orders, /products, /products/{id}/stock, /orders/{id}/payment, cancel and return.
bool takes_keys(std::string_view path) {
  constexpr std::string_view base = "/api/v1/";
  if (!path.starts_with(base)) return false;
  path.remove_prefix(base.size());
  const auto end = path.find('/');
  const bool orders = path.substr(0, end) == "orders";
  if (!orders && path.substr(0, end) != "products") return false;
  if (end == std::string_view::npos) return true;
  path.remove_prefix(end + 1);
  const auto id_end = path.find('/');
  if (id_end == 0 || id_end == std::string_view::npos) return false;
  const auto verb = path.substr(id_end + 1);
  return orders ? verb == "payment" || verb == "cancel" || verb == "return" : verb == "stock";
}

constexpr std::string_view own_services[] = {"market-order", "market-product"};
constexpr std::string_view via_prefix = "1.1 market-";

}  // namespace

bool is_repeatable_post(const http::Request& request, const Route& route) {
  if (request.method != http::Method::post || !is_passed_on(request, route, "idempotency-key")) return false;
  if (route.repeat_with_key) return true;
  if (std::find(std::begin(own_services), std::end(own_services), route.service) == std::end(own_services))
    return false;
  const auto target = forwarded_target(request, route);
  return target && takes_keys(std::string_view(*target).substr(0, target->find('?')));
}

bool is_loop(const http::Request& request, std::string_view name) {
  constexpr int gateways_max = 8;
  int gateways = 0;
  for (const auto& field : request.headers) {
    if (!same_letters(field.name, "via")) continue;
    auto list = field.value;
    for (auto at = list.find(via_prefix); at != std::string_view::npos; at = list.find(via_prefix)) {
      list.remove_prefix(at + via_prefix.size());
      if (++gateways > gateways_max || list.substr(0, list.find_first_of(", \t")) == name) return true;
    }
  }
  return false;
}

namespace {

void append_copy_field(http::HeadText& out, const Hop& hop) {
  char id[32];
  http::write_hex(hop.request_hi, id);
  http::write_hex(hop.request_lo, id + 16);
  out.append(http::copy_field).append(": ").append({id, sizeof id}).append(";copy=");
  out.append(static_cast<std::uint64_t>(hop.copy)).append("\r\n");
}

}  // namespace

void append_forwarded_request(std::string& text, const http::Request& request, const Route& route,
                              std::string_view target, std::string_view host, const Hop& hop, bool upgrade) {
  http::HeadText out(text, lines_room + target.size() + host.size() + http::head_bytes(request.headers) +
                               http::head_bytes(route.set_request_headers) +
                               http::head_bytes(route.add_request_headers) + hop.client.size() +
                               hop.peer.size() + hop.host.size() + hop.name.size() +
                               request.request_id.size());
  out.append(http::method_text(request.method)).append(" ").append(target).append(" HTTP/1.1\r\n");
  out.append_field("Host", host);
  std::string joined;
  const auto connection = connection_list(request.headers, joined);
  for (const auto& field : request.headers) {
    if (is_dropped_request_field(field.name) || is_named(connection, field.name)) continue;
    if (hop.anonymous && personal.has(field.name)) continue;
    if (!route.remove_request_headers.empty() && is_removed(route.remove_request_headers, field.name))
      continue;
    if (!route.set_request_headers.empty() && is_set(route.set_request_headers, field.name)) continue;
    out.append_field(field.name, field.value);
  }
  for (const auto& change : route.set_request_headers) out.append_field(change.name, change.value);
  for (const auto& change : route.add_request_headers) out.append_field(change.name, change.value);
  out.append("X-Forwarded-For: ").append(hop.client);
  // Our own services believe their gateway alone: for them it leaves out whom it believed itself.
  if (hop.client != hop.peer && !is_own_service(route.service)) out.append(", ").append(hop.peer);
  out.append("\r\nX-Forwarded-Proto: ").append(hop.scheme);
  if (!hop.host.empty()) out.append("\r\nX-Forwarded-Host: ").append(hop.host);
  out.append("\r\nVia: ").append(via_prefix).append(hop.name);
  out.append("\r\nX-Request-Id: ").append(request.request_id);
  out.append("\r\ntraceparent: 00-").append(request.trace_id).append("-").append(hop.span_id);
  out.append(hop.sampled ? "-01" : "-00");
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(hop.left_ms, 1));
  out.append("\r\nX-Request-Timeout-Ms: ").append(left).append("\r\n");
  if (hop.independent) out.append_field(http::independent_field, "1");
  if (hop.copy > 0) append_copy_field(out, hop);
  if (hop.asks) {
    const auto length = request.header("content-length");
    out.append("Expect: 100-continue\r\n");
    if (length.empty())
      out.append("Transfer-Encoding: chunked\r\n");
    else
      out.append_field("Content-Length", length);
  }
  const bool has_body = !request.body.empty() ||
                        (request.method != http::Method::get && request.method != http::Method::head &&
                         request.method != http::Method::del && request.method != http::Method::options);
  if (has_body && !hop.asks) out.append_length(request.body.size());
  if (upgrade) out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  out.append("\r\n");
}

void set_forwarded_answer(http::Reply& reply, const http::ResponseHead& head, const Route& route,
                          bool answers_head, bool own_cors, std::string_view date) {
  const bool switches = head.status == 101;  // Behind another status, the new protocol would be an answer.
  const int status = route.set_status > 0 && !switches ? route.set_status : head.status;
  reply.status = static_cast<http::Status>(status);
  http::HeadText lines(reply.forwarded.emplace().lines, lines_room + http::head_bytes(head.headers) +
                                                            http::head_bytes(route.set_response_headers) +
                                                            http::head_bytes(route.add_response_headers));
  http::append_status_line(lines, reply.status);
  std::string joined;
  const auto connection = connection_list(head.headers, joined);
  unsigned said = 0;
  bool has_date = is_set(route.set_response_headers, "date") || is_set(route.add_response_headers, "date");
  bool html = false;
  for (const auto& field : head.headers) {
    if (field.name.empty() || hop_by_hop.has(field.name) || not_for_clients.has(field.name)) continue;
    if (!connection.empty() && http::list_has(connection, field.name)) continue;
    if (own_cors && starts_with_letters(field.name, "access-control-")) continue;  // The gateway's to say.
    if (!route.remove_response_headers.empty() && is_removed(route.remove_response_headers, field.name))
      continue;
    if (!route.set_response_headers.empty() && is_set(route.set_response_headers, field.name)) continue;
    for (std::size_t i = 0; i < std::size(http::security_lines); ++i)
      if (same_letters(field.name, http::security_lines[i].name)) said |= 1u << i;
    has_date = has_date || same_letters(field.name, "date");
    if (same_letters(field.name, "content-type")) html = starts_with_letters(field.value, "text/html");
    lines.append_field(field.name, field.value);
  }
  if (!has_date) lines.append(date);
  if (switches) {
    lines.append("Connection: Upgrade\r\nUpgrade: ").append(head.header("upgrade")).append("\r\n");
    return;
  }
  for (std::size_t i = 0; i < std::size(http::security_lines); ++i) {
    const bool page_policy = html && http::security_lines[i].name == "Content-Security-Policy";
    const bool routes_own = is_set(route.set_response_headers, http::security_lines[i].name) ||
                            is_removed(route.remove_response_headers, http::security_lines[i].name);
    if ((said & (1u << i)) == 0 && !page_policy && !routes_own) lines.append(http::security_lines[i].line);
  }
  for (const auto& change : route.set_response_headers) lines.append_field(change.name, change.value);
  for (const auto& change : route.add_response_headers) lines.append_field(change.name, change.value);
  if (answers_head && head.has_length && reply.status != http::Status::no_content)
    lines.append_length(head.content_length);
}

}  // namespace market::gateway
