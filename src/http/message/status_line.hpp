#pragma once
/// The first line of an answer, whoever writes it: a handler's, an upstream's on its way through, a fixed
/// one.

#include <string_view>

#include "http/message/head_text.hpp"
#include "http/message/request.hpp"

namespace market::http {

/// "Not Found"; of every Status, and of 508. Empty: a code that only others use, and an upstream's own words
/// for it are not passed on (RFC 9112 4: clients ignore them).
std::string_view reason_phrase(Status status);

/// "HTTP/1.1 404 Not Found\r\n"; "HTTP/1.1 299 \r\n", as the blank must be there also without a phrase.
void append_status_line(HeadText& out, Status status);

}  // namespace market::http
