#include "services/product/stock_streams.hpp"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "http/message/sse.hpp"

namespace market::product {
namespace {

constexpr Millis tick{100};
constexpr int ticks_to_keep_alive = 150;

/// The ticker of one I/O thread: a timer that expires every tick while somebody waits for it.
class Ticker {
 public:
  explicit Ticker(const asio::any_io_executor& executor) : timer_(executor) {}
  asio::awaitable<void> next_tick() {
    if (timer_.expiry() <= asio::steady_timer::clock_type::now()) timer_.expires_after(tick);
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

 private:
  asio::steady_timer timer_;
};

/// What an event says. Its id is that itself, so that it means the same on every instance and after a
/// restart.
struct Numbers {
  SaleStateName state;
  bool paused;
  std::int64_t remaining, capacity;
  std::string event_id() const {
    return fmt::format("{}.{}.{}{}", remaining, capacity, text_of(state), paused ? ".paused" : "");
  }
};

/// The thread's ticker, alive while a stream holds it: its timer must not outlive the thread's io_context.
std::shared_ptr<Ticker> ticker_of(const asio::any_io_executor& executor) {
  thread_local std::weak_ptr<Ticker> mine;
  auto ticker = mine.lock();
  if (!ticker) {
    ticker = std::make_shared<Ticker>(executor);
    mine = ticker;
  }
  return ticker;
}

}  // namespace

Task<> StockStreams::serve(ProductId product, std::optional<wire::Identity> insider, std::string known,
                           http::Stream& stream) const {
  const auto executor = co_await asio::this_coro::executor;
  const auto ticker = ticker_of(executor);
  std::optional<std::uint64_t> seen;
  std::optional<SaleStateName> seen_state;
  std::string piece = http::sse_retry();
  for (int silent = 0;;) {
    const ShownProduct* shown = catalogue_.board().find(product);
    if (shown == nullptr || shown->terms.withdrawn) co_return Result<>();
    const bool allowed =
        is_public(shown->terms, catalogue_.now()) || (insider && authenticator_.still_holds(*insider));
    if (!allowed) co_return Result<>();
    const SaleStateName state = catalogue_.state_of(*shown);
    const std::uint64_t changes = shown->live->changes.load(std::memory_order_acquire);
    if (seen != changes || seen_state != state) {
      const Numbers now{state, is_paused(shown->terms),
                        shown->live->remaining.load(std::memory_order_relaxed),
                        shown->live->capacity.load(std::memory_order_relaxed)};
      const std::string id = now.event_id();
      if (id != known) {
        std::string data;
        wire::append_stock(data, now.state, now.paused, now.remaining, now.capacity, catalogue_.now());
        if (seen != changes) piece += http::sse_event("stock", data, id);
        if (seen_state != state) piece += http::sse_event("state", data, id);
      }
      known.clear();
      seen = changes;
      seen_state = state;
    } else if (++silent >= ticks_to_keep_alive) {
      piece = http::sse_keep_alive();
    }
    if (!piece.empty()) {
      silent = 0;
      std::string out;
      out.swap(piece);
      const auto written = co_await stream.write(std::move(out));
      if (!written) co_return Result<>();
    }
    co_await ticker->next_tick();
  }
}

}  // namespace market::product
