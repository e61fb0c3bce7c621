#pragma once
/// Conditional requests: RFC 9110 13.1.1 and 13.1.2.
///
/// A handler gives its 200 with an ETag; the server makes it a 304 where If-None-Match names that tag, with
/// the fields that the 200 would have. A handler whose body is dear to make can say so itself:
///
///   if (none_match(request, etag)) co_return not_modified(std::move(reply_without_body));

#include "http/message/message.hpp"

namespace market::http {

/// If-None-Match is there and names `etag` (as sent, quotes included) or is `*`: a GET then answers 304.
bool none_match(const Request& request, std::string_view etag);

/// `malformed`: no list of tags, a bad request.
enum class IfMatch { absent, holds, fails, malformed };
/// If-Match against the version of a record, which is what a tag of ours has before its dot: `"7.open"`. A
/// weak tag matches nothing (RFC 9110 13.1.1); that of a compressed answer is strong too.
IfMatch if_match(const Request& request, std::string_view version);

/// 304 with the fields of the 200 (RFC 9110 15.4.5), and none of those about its body.
Reply not_modified(Reply reply);

/// Whether the list of tags (`*`, `"a", W/"b"`) names `etag`, compared weakly. A malformed list names
/// nothing.
bool etag_list_names(std::string_view list, std::string_view etag);

}  // namespace market::http
