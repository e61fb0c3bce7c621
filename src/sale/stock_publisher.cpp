#include "sale/stock_publisher.hpp"

#include "domain/sale/fold_order.hpp"

namespace market::sale {

namespace {

/// Longer than a writer that was replaced may still be heard.
constexpr Millis newer_alarm{10'000};

}  // namespace

void StockPublisher::follow(const CountedEvents& events) {
  const auto now = parts_.clock();
  const bool writes = parts_.writes();
  ProductId last;
  const std::scoped_lock lock(mutex_);
  const auto moved = [&](ProductId product) {
    if (!product || product == last) return;
    last = product;
    hot_[product] = now;
    if (writes) moved_.insert(product);
  };
  for (const CountedEvent& counted : *events) {
    moved(product_of(counted.event.fact));
    for (const StockMove& move : stock_moves(counted.event.fact)) moved(move.product);
  }
  if (hot_.size() <= 2 * hot_max) return;
  // Mostly it is enough to forget what has cooled; in a rush on very many products they come in passing.
  boost::unordered::erase_if(hot_, [&](const auto& entry) { return now - entry.second > hot_again; });
  if (hot_.size() > 2 * hot_max) hot_.clear();
}

asio::awaitable<Millis> StockPublisher::step() {
  const bool well = co_await publish();
  // One batch after the other until all of it is there.
  const Millis pause = !well ? after_failure : everything_ ? Millis(0) : gather_time;
  co_return pause;
}

/// Whether there is somebody to publish to, and it is ours to do.
bool StockPublisher::ready(SteadyTime now) {
  if (!parts_.writes()) {
    if (std::exchange(wrote_, false)) everything_ = false;
    const std::scoped_lock lock(mutex_);
    moved_.clear();
    return false;
  }
  const auto connection = parts_.connection();
  if (!connection || parts_.end() < 1 || !parts_.log()) {
    everything_ = false;
    connection_.reset();
    return false;
  }
  if (!std::exchange(wrote_, true) || connection != connection_) write_all_anew(now);
  connection_ = connection;
  return true;
}

void StockPublisher::write_all_anew(SteadyTime now) {
  everything_ = true;
  passing_ = parts_.board.all();
  passed_ = 0;
  gather_hot(now);
}

void StockPublisher::gather_hot(SteadyTime now) {
  hot_at_ = now + hot_again;
  const std::scoped_lock lock(mutex_);
  boost::unordered::erase_if(hot_, [&](const auto& entry) { return now - entry.second > hot_time; });
  if (hot_.size() > hot_max) return;  // They come in passing.
  for (const auto& [product, at] : hot_) moved_.insert(product);
}

std::vector<ProductId> StockPublisher::next_products(SteadyTime now) {
  std::vector<ProductId> products;
  if (now >= hot_at_) gather_hot(now);
  {
    const std::scoped_lock lock(mutex_);
    while (!moved_.empty() && products.size() < SharedStock::lines_max) {
      products.push_back(*moved_.begin());
      moved_.erase(moved_.begin());
    }
  }
  if (!everything_ && now < pass_at_) return products;
  pass_at_ = now + pass_time;
  if (!passing_ || passed_ >= passing_->size()) {
    everything_ = false;
    passing_ = parts_.board.all();
    passed_ = 0;
  }
  while (passed_ < passing_->size() && products.size() < SharedStock::lines_max)
    products.push_back((*passing_)[passed_++]->id);
  if (passed_ >= passing_->size()) everything_ = false;
  return products;
}

/// `end` was read before: the numbers are those of that place or of a later one, which is written again.
std::optional<StockLine> StockPublisher::line_of(ProductId product, Place end) const {
  const ShownProduct* const shown = parts_.board.find(product);
  if (shown == nullptr || shown->terms.withdrawn) return std::nullopt;  // What is there expires.
  StockLine line{product,
                 end,
                 shown->live->remaining.load(std::memory_order_acquire),
                 shown->live->capacity.load(std::memory_order_acquire),
                 {},
                 {}};
  if (const auto& sale = shown->terms.sale) {
    line.opens = sale->opens_at;
    line.closes = sale->closes_at;
  }
  return line;
}

asio::awaitable<bool> StockPublisher::publish() {
  const auto now = parts_.clock();
  if (!ready(now)) co_return true;
  const auto products = next_products(now);
  const Place end = parts_.end();
  std::vector<StockLine> lines;
  for (const ProductId product : products)
    if (auto line = line_of(product, end)) lines.push_back(std::move(*line));
  if (lines.empty() && now < mark_at_) co_return true;
  mark_at_ = now + mark_time;
  const auto count = lines.size();
  const LogId log = parts_.log();
  const auto written = co_await parts_.stock.write(log, end, std::move(lines));
  if (written) {
    written_.fetch_add(count, std::memory_order_relaxed);
    note(*written, now);
    co_return true;
  }
  failures_.fetch_add(1, std::memory_order_relaxed);
  // Away says so itself; a refusal (no memory left, no right to write) is told here.
  if (written.error().code == Code::internal && said_ != written.error().detail) {
    said_ = written.error().detail;
    parts_.warn("the live stock cannot be written to Redis: " + said_);
  }
  const std::scoped_lock lock(mutex_);
  moved_.insert(products.begin(), products.end());
  co_return false;
}

void StockPublisher::note(const SharedStock::Written& written, SteadyTime now) {
  said_.clear();
  if (written.was_empty && !everything_) write_all_anew(now);
  newer_.fetch_add(written.newer, std::memory_order_relaxed);
  if (written.newer == 0 && !written.outdated) {
    newer_since_.reset();
    return;
  }
  if (!newer_since_) newer_since_ = now;
  if (now - *newer_since_ < newer_alarm) return;
  newer_since_ = now + std::chrono::hours(1);
  parts_.warn(written.outdated
                  ? "Redis holds the live stock of a later generation of this log: this store was left behind"
                  : "Redis holds live stock of a later place than this log has: the log has lost its end, or "
                    "somebody else writes there");
}

}  // namespace market::sale
