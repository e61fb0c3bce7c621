#include "http/conditional.hpp"

#include "http/ascii.hpp"

namespace market::http {
namespace {

std::string_view opaque(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

void skip_blanks(std::string_view& list) {
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ','))
    list.remove_prefix(1);
}

}  // namespace

bool etag_list_names(std::string_view list, std::string_view etag) {
  skip_blanks(list);
  if (list == "*") return true;
  const auto wanted = opaque(etag);
  while (!list.empty()) {
    if (list.starts_with("W/")) list.remove_prefix(2);
    if (list.empty() || list.front() != '"') return false;
    const auto end = list.find('"', 1);  // A tag may hold commas and backslashes, but no quote.
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == wanted) return true;
    list.remove_prefix(end + 1);
    if (!list.empty() && list.front() != ' ' && list.front() != '\t' && list.front() != ',') return false;
    skip_blanks(list);
  }
  return false;
}

bool none_match(const Request& request, std::string_view etag) {
  for (const auto& header : request.headers)
    if (same_letters(header.name, "if-none-match") && etag_list_names(header.value, etag)) return true;
  return false;
}

IfMatch if_match(const Request& request, std::string_view etag) {
  auto answer = IfMatch::absent;
  for (const auto& header : request.headers) {
    if (!same_letters(header.name, "if-match")) continue;
    if (etag_list_names(header.value, etag)) return IfMatch::holds;
    answer = IfMatch::fails;
  }
  return answer;
}

Reply not_modified(std::string_view etag) {
  Reply reply;
  reply.status = Status::not_modified;
  reply.headers.push_back({"ETag", std::string(etag)});
  return reply;
}

}  // namespace market::http
