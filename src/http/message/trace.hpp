#pragma once
/// Request ids and W3C trace contexts: taken from the caller when sane, else fresh.

#include <array>
#include <cstdint>
#include <string_view>

#include "http/message/request.hpp"

namespace market::http {

/// Cheap unique ids of one thread: xoshiro256++, seeded from the system. Names, not secrets.
class TraceIds {
 public:
  TraceIds();
  std::uint64_t next();

 private:
  std::array<std::uint64_t, 4> state_;
};

/// Where one connection keeps the ids of its request while it is answered.
class TraceContext {
 public:
  /// Sets request.request_id and request.trace_id to texts in here or in the request's head.
  void take(Request& request, TraceIds& ids);

 private:
  std::array<char, 32> fresh_;
};

/// Sixteen lower-case hex digits.
void write_hex(std::uint64_t value, char* out);
/// The trace id of a `traceparent` (version 00 exactly, later ones by their first four parts); empty when
/// bad.
std::string_view trace_id_of(std::string_view traceparent);
/// 1..64 of [A-Za-z0-9._-].
bool is_sane_request_id(std::string_view text);

}  // namespace market::http
