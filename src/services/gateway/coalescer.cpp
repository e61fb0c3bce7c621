#include "services/gateway/coalescer.hpp"

#include <boost/asio/post.hpp>

#include "http/message/field_list.hpp"
#include "services/gateway/name_set.hpp"

namespace market::gateway {
namespace {

constexpr std::string_view line_end = "\r\n", set_cookie = "set-cookie:";
constexpr std::size_t key_room = 64;  ///< For a route's name, which its caller adds.

/// The last two reach a service as a proxy in front of us says them; others' words it never sees.
constexpr NameSet answers_depend_on{
    std::array<std::string_view, 8>{"host", "accept", "accept-encoding", "accept-language", "cache-control",
                                    "pragma", "x-forwarded-proto", "x-forwarded-host"}};
/// What browsers always send and what proxies add, besides sec-* and x-forwarded-*. Nothing else: a field
/// that is not known here may be a key, or who somebody is.
constexpr NameSet answers_are_alike_for{std::array<std::string_view, 12>{
    "user-agent", "connection", "x-real-ip", "x-request-id", "traceparent", "tracestate", "via", "forwarded",
    "referer", "priority", "dnt", "upgrade-insecure-requests"}};

bool begins_with(std::string_view name, std::string_view prefix) {
  return http::same_letters(name.substr(0, prefix.size()), prefix);
}

bool names_fields(std::string_view connection) {
  return http::any_in_list(connection, [](std::string_view name) {
    return !name.empty() && !http::same_letters(name, "keep-alive") && !http::same_letters(name, "close");
  });
}

}  // namespace

void Coalescer::Flight::land(std::optional<http::Reply> answer) {
  if (landed) return;
  landed = true;
  reply = std::move(answer);
  for (auto& waiter : std::exchange(joined_, {})) std::move(waiter)();
}

std::shared_ptr<Coalescer::Flight> Coalescer::find(const std::string& key) {
  const auto found = flights_.find(key);
  if (found == flights_.end()) return nullptr;
  auto flight = found->second.lock();
  if (!flight || flight->landed || flight->joined_count() >= joined_max) return nullptr;
  return flight;
}

std::shared_ptr<Coalescer::Flight> Coalescer::begin(const std::string& key, http::IoThread& thread) {
  auto flight = std::make_shared<Flight>();
  if (flights_.empty()) asio::post(thread.io(), [this] { flights_.clear(); });
  flights_[key] = flight;
  return flight;
}

std::string coalescing_key(const http::Request& request) {
  std::string key;
  if (request.method != http::Method::get || !add_what_answers_depend_on(request, false, key)) return {};
  return key.append("\n").append(request.target);
}

bool add_what_answers_depend_on(const http::Request& request, bool stream, std::string& key) {
  if (!request.body.empty()) return false;
  const auto matters = [stream](std::string_view name) {
    return answers_depend_on.has(name) || (stream && http::same_letters(name, "origin"));
  };
  std::size_t bytes = request.target.size() + key_room;
  for (const auto& field : request.headers) {
    if (matters(field.name)) {
      // An event stream has each of its readers for itself, or for all of them in its fan.
      if (!stream && field.name.size() == 6 && field.value.find("event-stream") != std::string_view::npos)
        return false;
      bytes += field.name.size() + field.value.size() + 2;
    } else if (!answers_are_alike_for.has(field.name) && !begins_with(field.name, "sec-") &&
               !begins_with(field.name, "x-forwarded-") &&
               !(stream && http::same_letters(field.name, "last-event-id"))) {
      return false;
    }
    // What it names is not sent on, so its answer is not that of who sends the same without it.
    if (http::same_letters(field.name, "connection") && names_fields(field.value)) return false;
  }
  key.reserve(key.size() + bytes);
  for (const auto& field : request.headers)
    if (matters(field.name)) key.append("\n").append(field.name).append(":").append(field.value);
  return true;
}

bool sets_cookie(std::string_view lines) {
  for (auto end = lines.find(line_end); end != std::string_view::npos; end = lines.find(line_end)) {
    lines.remove_prefix(end + line_end.size());
    if (begins_with(lines, set_cookie)) return true;
  }
  return false;
}

std::string without_cookies(std::string_view lines) {
  std::string kept;
  kept.reserve(lines.size());
  while (!lines.empty()) {
    const auto end = lines.find(line_end);
    const auto line = lines.substr(0, end == std::string_view::npos ? end : end + line_end.size());
    lines.remove_prefix(line.size());
    if (!begins_with(line, set_cookie)) kept.append(line);
  }
  return kept;
}

}  // namespace market::gateway
