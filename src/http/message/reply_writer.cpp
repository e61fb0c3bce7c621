#include "http/message/reply_writer.hpp"

#include <fmt/format.h>

#include "http/message/ascii.hpp"
#include "http/message/compression.hpp"
#include "http/message/head_text.hpp"
#include "http/message/status_line.hpp"

namespace market::http {

namespace {

constexpr std::string_view strict_transport =
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n";

constexpr std::size_t lines_room = 1'024;  ///< Of all lines that are not the reply's own fields.

std::size_t head_room(const Reply& reply, const HeadNeeds& needs) {
  std::size_t bytes = lines_room + reply.content_type.size() + needs.request_id.size();
  if (reply.forwarded) bytes += reply.forwarded->lines.size();
  return bytes + head_bytes(reply.headers);
}

bool is_safe_field(const Header& header) {
  for (const char c : header.name)
    if (!ascii::is(c, ascii::token)) return false;
  for (const char c : header.value)
    if (!ascii::is(c, ascii::field)) return false;
  return !header.name.empty();
}

void append_standard(HeadText& out, const Reply& reply, const StandardLines& standard) {
  bool replaced = false;
  for (const auto& header : reply.headers)
    for (const auto& line : security_lines) replaced = replaced || same_letters(header.name, line.name);
  if (!replaced) {
    out.append(standard.all());
    return;
  }
  out.append(standard.date());
  for (const auto& line : security_lines) {
    bool own = false;
    for (const auto& header : reply.headers) own = own || same_letters(header.name, line.name);
    if (!own) out.append(line.line);
  }
}

void append_connection(HeadText& out, const HeadNeeds& needs) {
  out.append_field("X-Request-Id", needs.request_id);
  if (needs.secure) out.append(strict_transport);
  if (needs.close)
    out.append("Connection: close\r\n");
  else if (needs.keep_alive_1_0)
    out.append("Connection: keep-alive\r\n");
}

}  // namespace

void StandardLines::set_time(Instant now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second.time_since_epoch().count() == second_) return;
  second_ = second.time_since_epoch().count();
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(second - day);
  all_ = fmt::format("Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n",
                     days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  date_bytes_ = all_.size();
  for (const auto& line : security_lines) all_.append(line.line);
}

void append_head(std::string& text, const Reply& reply, const HeadNeeds& needs,
                 const StandardLines& standard) {
  HeadText out(text, head_room(reply, needs) + standard.all().size());
  append_status_line(out, reply.status);
  if (needs.behind_gateway)
    out.append(standard.date());
  else
    append_standard(out, reply, standard);
  const bool bodyless = ends_with_head(reply.status);
  if (!reply.content_type.empty() && !bodyless) out.append_field("Content-Type", reply.content_type);
  if (needs.chunked)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (!bodyless && !needs.no_length)
    out.append_length(needs.body_bytes);
  if (needs.gzip) out.append("Content-Encoding: gzip\r\n");
  if (needs.vary) out.append("Vary: Accept-Encoding\r\n");
  if (needs.independent) out.append_field(independent_field, "1");
  append_connection(out, needs);
  for (const auto& header : reply.headers) {
    if (!is_safe_field(header)) continue;
    if (needs.gzip && same_letters(header.name, "etag"))
      out.append_field(header.name, tag_of_gzip(header.value));
    else
      out.append_field(header.name, header.value);
  }
  out.append("\r\n");
}

void append_forwarded_head(std::string& text, const Reply& reply, const HeadNeeds& needs) {
  HeadText out(text, head_room(reply, needs));
  out.append(reply.forwarded->lines);
  if (needs.chunked)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (!needs.no_length)
    out.append_length(needs.body_bytes);
  append_connection(out, needs);
  for (const auto& header : reply.headers)
    if (is_safe_field(header)) out.append_field(header.name, header.value);
  out.append("\r\n");
}

}  // namespace market::http
