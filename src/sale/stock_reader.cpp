#include "sale/stock_reader.hpp"

#include <algorithm>

namespace market::sale {

asio::awaitable<Millis> StockReader::step() {
  co_await look();
  co_return every;
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
