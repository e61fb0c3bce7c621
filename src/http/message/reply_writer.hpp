#pragma once
/// A reply as bytes. The lines that are the same in every answer are kept ready, one block per thread.

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "http/message/message.hpp"

namespace market::http {

struct SecurityLine {
  std::string_view name, line;
};
/// What every answer says unless it has a field of that name. An answer to our own gateway leaves them out,
/// and the gateway writes them.
inline constexpr SecurityLine security_lines[] = {
    {"Cache-Control", "Cache-Control: no-store\r\n"},
    {"X-Content-Type-Options", "X-Content-Type-Options: nosniff\r\n"},
    {"Content-Security-Policy", "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"},
    {"Referrer-Policy", "Referrer-Policy: no-referrer\r\n"},
    {"Cross-Origin-Resource-Policy", "Cross-Origin-Resource-Policy: same-origin\r\n"},
};

/// The Date line and the security lines.
class StandardLines {
 public:
  /// Renewed once a second.
  void set_time(Instant now);
  /// `Date` with all of the security lines.
  std::string_view all() const { return all_; }
  std::string_view date() const { return std::string_view(all_).substr(0, date_bytes_); }

 private:
  std::string all_;
  std::size_t date_bytes_ = 0;
  std::int64_t second_ = -1;
};

struct HeadNeeds {
  std::string_view request_id;
  bool close = false;
  bool secure = false;          ///< Over TLS: the client is told to come back that way only.
  bool keep_alive_1_0 = false;  ///< The client is HTTP/1.0 and asked for it: it must be told.
  bool gzip = false;
  bool vary = false;
  bool independent = false;     ///< A gateway's request: it is told that several may come at once.
  bool behind_gateway = false;  ///< Ours, which writes the security lines itself.
  bool chunked = false;         ///< Instead of Content-Length.
  bool no_length = false;       ///< A stream to an HTTP/1.0 client: it ends with the connection.
  std::size_t body_bytes = 0;
};

/// Appends status line and fields up to the empty line. A handler's field of the same name replaces a
/// standard one; a handler's field with a control character is dropped, since it could forge another.
void append_head(std::string& out, const Reply& reply, const HeadNeeds& needs, const StandardLines& standard);

/// As above, for reply.forwarded.
void append_forwarded_head(std::string& out, const Reply& reply, const HeadNeeds& needs);

}  // namespace market::http
