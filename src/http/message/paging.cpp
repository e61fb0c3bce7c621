#include "http/message/paging.hpp"

#include <algorithm>
#include <charconv>

#include "base/checksum.hpp"
#include "http/message/trace.hpp"

namespace market::http {

namespace {

constexpr int limit_max = 100;
constexpr std::size_t cursor_bytes_max = 1'024;
constexpr std::size_t list_digits = 16;

/// Which list with which filters, as digits: of the path and all parameters but those of the page.
std::string list_of(const Request& request) {
  std::vector<std::string_view> filters;
  for (std::string_view rest = request.query; !rest.empty();) {
    const auto end = rest.find('&');
    const auto one = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!one.empty() && !one.starts_with("cursor=") && !one.starts_with("limit=")) filters.push_back(one);
  }
  std::sort(filters.begin(), filters.end());
  std::string text(request.path);
  for (const auto filter : filters) text.append(1, '&').append(filter);
  std::string digits(list_digits, '0');
  write_hex(checksum(text), digits.data());
  return digits;
}

}  // namespace

std::string cursor_of(const Request& request, std::string_view last) {
  return list_of(request).append(last);
}

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
  if (page.cursor.empty()) return page;
  if (!page.cursor.starts_with(list_of(request)) || page.cursor.size() == list_digits)
    return invalid_field("cursor", "format", "cursor is not one of this list with these filters");
  page.cursor.erase(0, list_digits);
  return page;
}

}  // namespace market::http
