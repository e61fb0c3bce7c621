#include "services/registry/stream_route.hpp"

#include <boost/asio/this_coro.hpp>

#include "http/message/sse.hpp"

namespace market::registry {
namespace {

constexpr std::size_t streams_max = 1'000;
constexpr Millis keep_alive_pause{10'000};

Task<> serve_changes(ContextPtr context, http::Stream& stream) {
  const auto executor = co_await asio::this_coro::executor;
  SharedRegistry& registry = context->registry;
  ChangeFeed::Reader reader(registry.feed(), executor);
  auto [text, seen] = registry.whole_list();
  for (;;) {
    if (text.empty()) text = http::sse_keep_alive();
    const auto written = co_await stream.write(std::move(text));
    if (!written) co_return Result<>();
    text.clear();
    std::uint64_t newest = seen;
    bool whole = registry.feed().read_after(seen, text, newest);
    if (whole && text.empty()) {
      co_await reader.wait(keep_alive_pause);
      whole = registry.feed().read_after(seen, text, newest);
    }
    seen = newest;
    if (whole) continue;
    auto list = registry.whole_list();
    text = std::move(list.first);
    seen = list.second;
  }
}

}  // namespace

Task<http::Reply> open_stream(ContextPtr context, const http::Request& request) {
  if (auto refusal = refuse_reader(*context, request)) co_return std::move(*refusal);
  if (!context->registry.ready()) co_return empty_reply(http::Status::forbidden);
  if (context->registry.feed().readers() >= streams_max) co_return empty_reply(http::Status::unavailable);
  http::Reply reply;
  reply.content_type = http::event_stream_type;
  reply.stream = [context](http::Stream& stream) { return serve_changes(context, stream); };
  co_return reply;
}

}  // namespace market::registry
