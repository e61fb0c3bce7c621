#pragma once
/// What is known of a request once it is answered; the access log and the trace exporter each take it. The
/// gateway's proxy tells of what it has forwarded, every other role's sessions of what they have answered.

#include <cstdint>
#include <string>

namespace market::http {

struct RequestRecord {
  std::int64_t began_unix_ns = 0, took_ns = 0;
  std::string method, path, route, service, instance, client, request_id, trace_id, span_id, parent_id;
  int status = 0, tries = 0;
  std::uint64_t bytes = 0;
  bool sampled = false;
};

/// Any thread; must not block: what cannot be taken is counted and dropped.
class AccessLog {
 public:
  virtual ~AccessLog() = default;
  /// Nobody wants to know: then nothing is gathered at all.
  virtual bool is_on() const = 0;
  /// Whether anybody wants this one: the log takes all, the exporter those that are sampled.
  virtual bool wants(bool sampled) const = 0;
  /// Of the traces that begin here; others' have decided already.
  virtual double sampled_share() const = 0;
  virtual void take(const RequestRecord& answered) = 0;
};

}  // namespace market::http
