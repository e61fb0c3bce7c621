#pragma once
/// Reads the head of an upstream's answer as strictly as the request's: what it leaves in doubt could be
/// split differently by the client behind us, so doubt is a refusal (502) and the connection is dropped.

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string_view>

#include "http/message/head_parser.hpp"

namespace market::http {

/// How the end of an answer's body is found.
enum class BodyEnd : std::uint8_t { no_body, length, chunked, close };

struct ResponseHead {
  int status = 0;
  boost::container::small_vector<HeaderView, 24> headers;  ///< Views into the input.
  BodyEnd body = BodyEnd::no_body;
  std::uint64_t content_length = 0;  ///< Also of an answer to HEAD, where no body follows.
  bool has_length = false;
  bool keep_alive = true;
  int keep_alive_seconds = -1;  ///< `Keep-Alive: timeout`: how long the other side keeps it; -1: unsaid.
  bool independent = false;     ///< The instance works on independent requests together: see request.hpp.
  std::string_view request_id;  ///< Whose answer this is, if it says so.
  std::size_t head_bytes = 0;

  /// The first header of this name, compared without case; empty when absent.
  std::string_view header(std::string_view name) const;
  bool is_interim() const { return status < 200 && status != 101; }
};

/// May be called again with more input; starts over each time. `problem` is a literal, set when refused.
HeadState parse_response_head(std::string_view input, const HeadLimits& limits, bool answers_head,
                              ResponseHead& head, std::string_view& problem);

/// Whether `token` stands in a comma-separated list, compared without case.
bool list_has(std::string_view list, std::string_view token);

}  // namespace market::http
