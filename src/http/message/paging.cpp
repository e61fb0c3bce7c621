#include "http/message/paging.hpp"

#include <charconv>

namespace market::http {

namespace {
constexpr int limit_max = 100;
constexpr std::size_t cursor_bytes_max = 512;
}  // namespace

Result<Page> page_of(const Request& request) {
  Page page;
  auto limit = request.query_parameter("limit");
  if (!limit) return fail(limit.error());
  if (*limit) {
    const std::string& text = **limit;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, page.limit);
    if (text.empty() || error != std::errc() || stop != end || page.limit < 1 || page.limit > limit_max)
      return invalid_field("limit", "range", "limit must be a whole number from 1 to 100");
  }
  auto cursor = request.query_parameter("cursor");
  if (!cursor) return fail(cursor.error());
  if (*cursor) page.cursor = std::move(**cursor);
  if (*cursor && (page.cursor.empty() || page.cursor.size() > cursor_bytes_max))
    return invalid_field("cursor", "format", "cursor is not one of ours");
  return page;
}

}  // namespace market::http
