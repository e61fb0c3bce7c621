#pragma once
/// Server-sent events as text: `co_await stream.write(sse_event("stock", json))`.

#include <string>
#include <string_view>

namespace market::http {

inline constexpr std::string_view event_stream_type = "text/event-stream";

/// `event:`, `id:` and one `data:` line for each line of `data`; empty `name` and `id` are left out.
inline std::string sse_event(std::string_view name, std::string_view data, std::string_view id = {}) {
  std::string text;
  text.reserve(name.size() + data.size() + id.size() + 32);
  if (!name.empty()) text.append("event: ").append(name).append("\n");
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  for (;;) {
    const auto end = data.find('\n');
    text.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  text += '\n';
  return text;
}

/// A comment: keeps proxies and the client's time-out content.
inline std::string sse_keep_alive() {
  return ": keep-alive\n\n";
}

/// What each stream begins with: how long a client waits before it connects again.
inline std::string sse_retry() {
  return "retry: 3000\n\n";
}

}  // namespace market::http
