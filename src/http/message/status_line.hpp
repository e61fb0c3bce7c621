#pragma once
/// The first line of an answer, whoever writes it: a handler's, an upstream's on its way through, a fixed
/// one; and what it says of the body.

#include <string_view>

#include "http/message/head_text.hpp"
#include "http/message/request.hpp"

namespace market::http {

/// "Not Found"; of every Status, and of 508. Empty: a code that only others use, and an upstream's own words
/// for it are not passed on (RFC 9112 4: clients ignore them).
std::string_view reason_phrase(Status status);

/// "HTTP/1.1 404 Not Found\r\n"; "HTTP/1.1 299 \r\n", as the blank must be there also without a phrase.
void append_status_line(HeadText& out, Status status);

constexpr Status reset_content{205};  ///< Others say it, or a route.

/// Answers of this status end with their head, whatever it says of a body (RFC 9112 6.3).
constexpr bool ends_with_head(Status status) {
  return static_cast<int>(status) < 200 || status == Status::no_content || status == Status::not_modified;
}
/// Nor may a 205 have content, but its head must say so (RFC 9110 15.3.6): some clients look for none.
constexpr bool has_no_content(Status status) {
  return ends_with_head(status) || status == reset_content;
}

}  // namespace market::http
