#pragma once
/// `?limit=` (1..100, default 20) and `?cursor=` of every list.

#include <string>
#include <vector>

#include "http/message/message.hpp"
#include "wire/json/json_writer.hpp"

namespace market::http {

struct Page {
  int limit = 20;
  std::string cursor;  ///< Opaque to clients; empty: from the start.
};
/// Errors: validation with the parameter's name; also for a cursor of another list, or of this one with other
/// filters.
Result<Page> page_of(const Request& request);
/// What the next page of this list is asked for with: `last`, the place where this one ends, and which list
/// and filters it belongs to.
std::string cursor_of(const Request& request, std::string_view last);

/// The cursor of a list whose cursors are its rows' ids; none: from the start. Errors: validation.
template <class Id>
Result<Id> before_of(const Page& page) {
  if (page.cursor.empty()) return Id();
  const auto id = Id::parse(page.cursor);
  if (!id) return invalid_field("cursor", "format", "cursor is not one of this list");
  return *id;
}

/// An id that the query may name; none: it does not. Errors: validation with the parameter's name.
template <class Id>
Result<Id> id_parameter(const Request& request, std::string_view name) {
  const auto text = request.query_parameter(name);
  if (!text) return fail(text.error());
  if (!*text) return Id();
  const auto id = Id::parse(**text);
  if (!id) return invalid_field(std::string(name), "format", std::string(name) + " is no id of ours");
  return *id;
}

/// Of one row more than the page holds: drops it. True: there is a next page.
template <class Row>
bool drop_what_is_more(std::vector<Row>& rows, int limit) {
  const bool more = rows.size() > static_cast<std::size_t>(limit);
  if (more) rows.pop_back();
  return more;
}

/// A page of a list; `append(json, row)` writes a row. `last`: as above; empty: there is no next page.
template <class Rows, class Append>
Reply list_reply(const Request& request, const Rows& rows, std::string_view last, const Append& append) {
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("items").begin_array();
  for (const auto& row : rows) append(json, row);
  json.end_array();
  json.member_or_null("nextCursor", last.empty() ? std::string() : cursor_of(request, last));
  json.end_object();
  return http::json(Status::ok, std::move(body));
}

/// A page of a list that is there whole, its rows in the order of `key_of(row)`, a text for URLs.
template <class Rows, class KeyOf, class Append>
Result<Reply> held_list_reply(const Request& request, const Rows& rows, const KeyOf& key_of,
                              const Append& append) {
  const auto page = page_of(request);
  if (!page) return fail(page.error());
  std::vector<decltype(&*rows.begin())> shown;
  for (const auto& row : rows)
    if (shown.size() <= static_cast<std::size_t>(page->limit) && key_of(row) > page->cursor)
      shown.push_back(&row);
  const bool more = drop_what_is_more(shown, page->limit);
  return list_reply(request, shown, more ? key_of(*shown.back()) : std::string(),
                    [&append](wire::JsonWriter& json, const auto* row) { append(json, *row); });
}

/// The same, of rows with an id of which one more was asked for.
template <class Row, class Append>
Reply page_reply(const Request& request, std::vector<Row> rows, int limit, const Append& append) {
  const bool more = drop_what_is_more(rows, limit);
  return list_reply(request, rows, more ? rows.back().id.text() : std::string(), append);
}

}  // namespace market::http
