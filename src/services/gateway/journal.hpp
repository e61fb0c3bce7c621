#pragma once
/// What is known of a request once it is answered; the access log and the trace exporter each take it.

#include <cstdint>
#include <string>

namespace market::gateway {

struct Answered {
  std::int64_t began_unix_ns = 0, took_ns = 0;
  std::string method, path, route, service, instance, client, request_id, trace_id, span_id, parent_id;
  int status = 0, tries = 0;
  std::uint64_t bytes = 0;
  bool sampled = false;
};

/// Any thread; must not block: what cannot be taken is counted and dropped.
class Journal {
 public:
  virtual ~Journal() = default;
  /// Nobody wants to know: then nothing is gathered at all.
  virtual bool is_on() const = 0;
  virtual void take(const Answered& answered) = 0;
};

}  // namespace market::gateway
