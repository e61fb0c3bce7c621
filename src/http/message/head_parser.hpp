#pragma once
/// Reads a request head, as strictly as RFC 9110 and 9112 allow, without allocating: everything found is a
/// view into the input. Framing comes first: a refusal here is answered before routing, method or token.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message/request.hpp"

namespace market::http {

struct HeadLimits {
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t head_fields_max = 100;
  std::size_t request_line_bytes_max = 8 * 1024;
};

/// Where the message ends and whether another may follow.
struct Framing {
  std::size_t head_bytes = 0;  ///< From the input's start, one leading empty line included.
  std::uint64_t content_length = 0;
  bool chunked = false;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expect_continue = false;
};

/// Why a request is refused. The connection closes after the answer: behind it nothing can be trusted.
struct Refusal {
  Status status = Status::bad_request;
  std::string_view detail;  ///< A literal.
};

enum class HeadState : std::uint8_t { incomplete, complete, refused };

/// May be called again with more input; starts over each time. Sets method, target, path, query and headers.
HeadState parse_head(std::string_view input, const HeadLimits& limits, Request& request, Framing& framing,
                     Refusal& refusal);

/// What a head that was refused, or is not whole, says in its one field of this name; empty: nothing, or it
/// is in doubt. Only whole lines count.
std::string_view field_of_refused_head(std::string_view input, std::string_view name);

/// One field line of a head or a trailer section, without its CRLF.
enum class FieldLine : std::uint8_t { valid, invalid };
FieldLine parse_field_line(std::string_view line, HeaderView& field);

}  // namespace market::http
