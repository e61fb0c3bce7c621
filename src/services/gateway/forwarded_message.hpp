#pragma once
/// Requests and answers on their way through the gateway: written anew, never passed on raw. Hop-by-hop
/// fields and those that `Connection` names go, and everything by which a client could claim to be somebody.

#include <string>
#include <string_view>

#include "http/client/response_parser.hpp"
#include "http/message/message.hpp"
#include "services/gateway/route.hpp"

namespace market::gateway {

/// What the gateway says about a request in its own words.
struct Hop {
  std::string_view client, peer;  ///< Addresses; equal without a trusted proxy in between.
  std::string_view scheme = "http";
  std::string_view host;     ///< What the client has asked for.
  std::string_view span_id;  ///< 16 hex digits: this hop's.
  std::string_view name;     ///< This gateway's, for `Via`.
  bool sampled = false;
  bool anonymous = false;    ///< Without Authorization, cookies and Last-Event-ID.
  bool asks = false;         ///< Whether it may come, before its body is there.
  bool independent = false;  ///< The instance may work on it beside others of its connection.
  /// Of a request that may be sent again: 128 random bits, and which copy of it this is, from 1; 0: it is
  /// sent once.
  std::uint64_t request_hi = 0, request_lo = 0;
  int copy = 0;
  std::int64_t left_ms = 0;  ///< Until the client gets its answer in any case.
};

/// Path and query as the instance gets them. Errors: not_found, for what must not be reached from outside.
Result<std::string> forwarded_target(const http::Request& request, const Route& route);

/// A POST that its service carries out once, however often it comes: those that API.md names, of our own
/// services, and what the route says of another's. Only with an Idempotency-Key that the service gets.
bool is_repeatable_post(const http::Request& request, const Route& route);

/// It has come through this gateway before, or through too many.
bool is_loop(const http::Request& request, std::string_view name);

/// Whether `Connection` names more than what all clients say there.
bool names_fields(const http::Request& request);
/// Takes away what would be passed on but for `Connection`, which names it (RFC 9110 7.6.1): nothing may be
/// judged here by a field that the instance does not get. Those that end here in any case count here.
void drop_named_fields(http::Request& request);

/// The head, up to and including the empty line.
void append_forwarded_request(std::string& out, const http::Request& request, const Route& route,
                              std::string_view target, std::string_view host, const Hop& hop, bool upgrade);

/// Fills status, forwarded.lines and, for an answer to HEAD, its length. `own_cors`: the gateway says which
/// origins may read it, and nobody else. `date`: the line for an answer that has none (RFC 9110 6.6.1).
void set_forwarded_answer(http::Reply& reply, const http::ResponseHead& head, const Route& route,
                          bool answers_head, bool own_cors, std::string_view date);

}  // namespace market::gateway
