#pragma once
/// Decodes a chunked body (RFC 9112 7.1), strictly and bounded. Feed it what arrived until it is done.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message/head_parser.hpp"

namespace market::http {

class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  enum class State : std::uint8_t { more, done, refused };
  /// Appends decoded bytes to `body`; `used` is how much of `input` was taken (behind it the next request
  /// starts).
  State feed(std::string_view input, std::string& body, std::size_t& used);
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class At : std::uint8_t { size_line, data, data_cr, data_lf, trailers };
  State refuse(std::string_view detail) { return refuse(Status::bad_request, detail); }
  State refuse(Status status, std::string_view detail);
  State size_line();
  State trailer_line(bool& last);
  bool valid_extensions(std::string_view text) const;
  /// Moves bytes to line_ up to CRLF; more when it has not come yet.
  State take_line(std::string_view input, std::size_t& at);

  std::size_t body_bytes_max_;
  std::uint64_t chunk_left_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string line_;
  At at_ = At::size_line;
  Refusal refusal_;
};

}  // namespace market::http
