#include "sale/stock_reader.hpp"

#include <algorithm>
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

asio::awaitable<void> StockReader::look() {
  const auto connection = parts_.connection();
  const LogId log = parts_.log();
  if (!parts_.silent() || !connection || !log) {
    seen_ = 0;
    co_return;
  }
  // Behind another connection there may be an older store: from the own place on again.
  if (std::exchange(connection_, connection) != connection) seen_ = 0;
  auto lines = co_await parts_.stock.moved_since(log, std::max(seen_, parts_.place()));
  if (!lines || lines->empty()) co_return;
  for (const StockLine& line : *lines) seen_ = std::max(seen_, line.place);
  parts_.show(std::move(*lines));
}

}  // namespace market::sale
