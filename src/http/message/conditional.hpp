#pragma once
/// Conditional requests: RFC 9110 13.1.1 and 13.1.2.
///
///   if (none_match(request, etag)) co_return not_modified(etag);

#include "http/message/message.hpp"

namespace market::http {

/// If-None-Match is there and names `etag` (as sent, quotes included) or is `*`: a GET then answers 304.
bool none_match(const Request& request, std::string_view etag);

/// `malformed`: no list of tags, a bad request.
enum class IfMatch { absent, holds, fails, malformed };
/// If-Match against the version of a record, which is what a tag of ours has before its dot: `"7.open"`. W/
/// is overlooked, since a compressed answer carried the same tag marked weak.
IfMatch if_match(const Request& request, std::string_view version);

/// 304 with the tag.
Reply not_modified(std::string_view etag);

/// Whether the list of tags (`*`, `"a", W/"b"`) names `etag`, compared weakly. A malformed list names
/// nothing.
bool etag_list_names(std::string_view list, std::string_view etag);

}  // namespace market::http
