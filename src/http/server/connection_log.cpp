// What the access_log is told of an answer. Only where somebody wants to know.

#include <chrono>

#include "http/message/ascii.hpp"
#include "http/server/access_log.hpp"
#include "http/server/connection.hpp"

namespace market::http {

/// What every answer has, whatever was asked.
RequestRecord Connection::record_of(const Reply& reply) {
  RequestRecord answered;
  answered.began_unix_ns = thread_.shared().clock.now().time_since_epoch().count() * 1'000'000;
  answered.request_id = request_.request_id;
  answered.trace_id = request_.trace_id;
  answered.span_id.resize(16);
  write_hex(thread_.ids.next() | 1, answered.span_id.data());
  answered.status = static_cast<int>(reply.status);
  answered.bytes = reply.shared_body ? reply.shared_body->size() : reply.body.size();
  return answered;
}

void Connection::note(AccessLog& access_log, const Reply& reply) {
  const auto parent = request_.header("traceparent");
  const bool is_child = !trace_id_of(parent).empty();
  // Whoever began the trace has decided whether it is wanted: a trace is whole or not there.
  const bool sampled =
      is_child ? (hex_value(parent[54]) & 1) != 0
               : static_cast<double>(thread_.ids.next() >> 11) * 0x1p-53 < access_log.sampled_share();
  if (!access_log.wants(sampled)) return;
  RequestRecord answered = record_of(reply);
  answered.sampled = sampled;
  answered.took_ns = steady_ns() - began_ns_;
  answered.began_unix_ns -= answered.took_ns;
  answered.method = method_text(request_.method);
  answered.path = request_.path;  // Never the query: tokens and names may stand there.
  const std::string_view route = thread_.shared().router.route_names()[request_.route_index];
  answered.route = route.substr(route.find(' ') + 1);  // Without its method.
  answered.client = request_.remote_address;
  if (is_child) answered.parent_id = parent.substr(36, 16);
  access_log.take(answered);
}

void Connection::note_refused(AccessLog& access_log, const Reply& reply) {
  if (!access_log.wants(false)) return;
  RequestRecord answered = record_of(reply);
  answered.client = peer_.text.data();
  access_log.take(answered);
}

}  // namespace market::http
