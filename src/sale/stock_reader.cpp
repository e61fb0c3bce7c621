#include "sale/stock_reader.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace market::sale {

void StockReader::start(const asio::any_io_executor& executor) {
  auto timer = std::make_shared<asio::steady_timer>(executor);
  timer_ = timer;
  tasks_.spawn(executor, run(std::move(timer)));
}

void StockReader::stop() {
  if (stopping_.exchange(true)) return;
  if (const auto timer = timer_.lock()) asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  tasks_.wait(Millis(5'000));
}

asio::awaitable<void> StockReader::run(std::shared_ptr<asio::steady_timer> timer) {
  while (!stopping_.load()) {
    co_await look();
    timer->expires_after(every);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

void StockReader::give_back() {
  for (const auto& live : borrowed_) live->forget_borrowed();
  borrowed_.clear();
  seen_ = 0;
}

asio::awaitable<void> StockReader::look() {
  if (!parts_.stale()) {
    give_back();
    co_return;
  }
  seen_ = std::max(seen_, parts_.end());
  const auto lines = co_await parts_.stock.moved_since(parts_.log(), seen_);
  if (!lines || !parts_.stale()) co_return;
  for (const StockLine& line : *lines) {
    seen_ = std::max(seen_, line.place);
    const ShownProduct* const shown = parts_.board.find(line.product);
    if (shown == nullptr || borrowed_.size() >= borrowed_max) continue;
    if (!shown->live->borrow({line.place, line.remaining, line.capacity})) continue;
    borrowed_.push_back(shown->live);
    borrowed_count_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace market::sale
