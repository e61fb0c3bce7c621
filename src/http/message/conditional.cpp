#include "http/message/conditional.hpp"

#include <algorithm>

#include "http/message/ascii.hpp"

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

bool is_tag_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != '"' && byte != 0x7F;
}

enum class TagList : std::uint8_t { malformed, names_it, names_others };

bool is_same(std::string_view tag, std::string_view etag) {
  return opaque(tag) == opaque(etag);
}
/// `"7.open"` and `"7.sold_out"` are states of one version; W/"7.open" is of none.
bool is_of_version(std::string_view tag, std::string_view version) {
  if (tag.front() != '"') return false;
  tag = tag.substr(1, tag.size() - 2);
  return tag.substr(0, tag.find('.')) == version;
}

/// `*` or tags with commas between them; RFC 9110 8.8.3.
TagList read_tags(std::string_view list, std::string_view wanted,
                  bool (*names)(std::string_view tag, std::string_view wanted)) {
  skip_blanks(list);
  if (list == "*") return TagList::names_it;
  if (list.empty()) return TagList::malformed;
  auto answer = TagList::names_others;
  while (!list.empty()) {
    std::size_t end = list.starts_with("W/") ? 2 : 0;
    if (end == list.size() || list[end] != '"') return TagList::malformed;
    ++end;  // A tag may hold commas and backslashes, but no quote.
    while (end < list.size() && is_tag_character(list[end])) ++end;
    if (end == list.size() || list[end] != '"') return TagList::malformed;
    if (names(list.substr(0, end + 1), wanted)) answer = TagList::names_it;
    list.remove_prefix(end + 1);
    const auto next = list.find_first_not_of(" \t");
    if (next != std::string_view::npos && list[next] != ',') return TagList::malformed;
    skip_blanks(list);
  }
  return answer;
}

}  // namespace

bool etag_list_names(std::string_view list, std::string_view etag) {
  return read_tags(list, etag, is_same) == TagList::names_it;
}

bool none_match(const Request& request, std::string_view etag) {
  for (const auto& header : request.headers)
    if (same_letters(header.name, "if-none-match") && etag_list_names(header.value, etag)) return true;
  return false;
}

IfMatch if_match(const Request& request, std::string_view version) {
  auto answer = IfMatch::absent;
  for (const auto& header : request.headers) {
    if (!same_letters(header.name, "if-match")) continue;
    const auto tags = read_tags(header.value, version, is_of_version);
    if (tags == TagList::malformed) return IfMatch::malformed;
    if (answer != IfMatch::holds) answer = tags == TagList::names_it ? IfMatch::holds : IfMatch::fails;
  }
  return answer;
}

Reply not_modified(Reply reply) {
  reply.status = Status::not_modified;
  reply.content_type = {};
  reply.body.clear();
  reply.shared_body.reset();
  const auto about_the_body = [](const Header& field) {
    return same_letters(field.name, "content-encoding") || same_letters(field.name, "content-disposition");
  };
  reply.headers.erase(std::remove_if(reply.headers.begin(), reply.headers.end(), about_the_body),
                      reply.headers.end());
  return reply;
}

}  // namespace market::http
