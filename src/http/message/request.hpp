#pragma once
/// A request as handlers see it. Apart from message.hpp so that the parsers (and their fuzzers) need no
/// coroutine.

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace market::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options };
/// As the request line has them, by Method.
inline constexpr std::array<std::string_view, 7> method_texts = {"GET",   "HEAD",   "POST",   "PUT",
                                                                 "PATCH", "DELETE", "OPTIONS"};
inline constexpr std::string_view method_text(Method method) {
  return method_texts[static_cast<std::size_t>(method)];
}

/// Only the statuses this platform sends.
enum class Status : std::uint16_t {
  ok = 200,
  created = 201,
  accepted = 202,
  no_content = 204,
  moved_permanently = 301,
  found = 302,
  not_modified = 304,
  temporary_redirect = 307,
  permanent_redirect = 308,
  bad_request = 400,
  unauthorized = 401,
  payment_required = 402,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  not_acceptable = 406,
  request_timeout = 408,
  conflict = 409,
  gone = 410,
  length_required = 411,
  precondition_failed = 412,
  payload_too_large = 413,
  uri_too_long = 414,
  unsupported_media_type = 415,
  expectation_failed = 417,
  unprocessable = 422,
  precondition_required = 428,
  too_many_requests = 429,
  header_too_large = 431,
  internal_error = 500,
  not_implemented = 501,
  bad_gateway = 502,
  unavailable = 503,
  gateway_timeout = 504,
  version_not_supported = 505,
  insufficient_storage = 507,
};

/// A gateway says so to its instance: this request is independent of those before and behind it on its
/// connection, so all of them may be worked on at once. RFC 9112 9.3.2 allows that for safe methods only, as
/// a client's own requests may build on each other.
inline constexpr std::string_view independent_field = "x-independent";

/// `<32 hex digits>;copy=<number from 1>`: of a request that a gateway may send several times, under one key.
/// Once a copy above the first has been refused, none of the others may be accepted any more.
inline constexpr std::string_view copy_field = "market-request";

/// An instance says so to its gateway, of the request that it answers: it has decided it itself, while others
/// would have handed it on. Such requests are best sent here.
inline constexpr std::string_view decided_field = "x-decided-here";

struct HeaderView {
  std::string_view name;   ///< As sent; compare without case.
  std::string_view value;  ///< Without surrounding white space.
};

/// Views point into the connection's buffer and live until the reply has been given.
struct Request {
  Method method = Method::get;
  std::string_view target;  ///< As sent.
  std::string_view path;    ///< Of the target, percent-decoded only where a route asks for it.
  std::string_view query;   ///< Behind '?', raw.
  boost::container::small_vector<HeaderView, 16> headers;
  std::string_view body;
  /// What the router took from the path's `{name}` parts, in order of the pattern, percent-decoded.
  boost::container::small_vector<std::string_view, 2> parameters;
  std::vector<std::string> decoded;  ///< Owns those parameters that were percent-encoded.
  std::vector<char> normal_path;     ///< Owns a path that had letters or digits percent-encoded.
  std::string_view remote_address;   ///< Text form of the peer's IP.
  bool remote_is_loopback = false;
  bool from_trusted = false;  ///< The peer is a trusted proxy: what it says of the request is so.
  bool secure = false;        ///< It came over TLS.
  bool http_1_0 = false;
  bool asked_ahead = false;     ///< RouteOptions::ask_ahead was asked, and let it come.
  std::uint64_t random = 0;     ///< Its own: what is drawn for it comes out the same each time.
  std::string_view request_id;  ///< Ours, or the caller's when it is sane; always set.
  std::string_view trace_id;    ///< 32 hex digits, of `traceparent` or fresh.
  std::size_t route_index = 0;  ///< Set by the router, for metrics.

  /// The first header of this name, compared without case; empty when absent.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  /// From this machine, and not by way of a proxy on it: what management and an open registry ask for.
  bool is_from_this_machine() const;
  /// Host names this machine alone, or is not there: a page of a foreign name that was made to lead here
  /// (DNS rebinding) sends its own.
  bool has_loopback_host() const;
  /// The value of the one header of this name; nullopt when there is none or more than one.
  std::optional<std::string_view> only_header(std::string_view name) const;
  /// The decoded value of a query parameter; nullopt when absent. Errors: validation (bad percent-encoding,
  /// no UTF-8, NUL, twice).
  Result<std::optional<std::string>> query_parameter(std::string_view name) const;
  /// Errors: validation, when the query has a parameter of another name.
  Result<> expect_query(std::span<const std::string_view> names) const;
};

}  // namespace market::http
