#include "services/registry/change_feed.hpp"

#include <boost/asio/redirect_error.hpp>

namespace market::registry {

void ChangeFeed::add(std::uint64_t version, std::string event) {
  const std::lock_guard lock(mutex_);
  event.shrink_to_fit();
  bytes_ += event.size();
  events_.emplace_back(version, std::move(event));
  while (events_.size() > events_max || bytes_ > events_bytes_max) {
    forgotten_ = events_.front().first;
    bytes_ -= events_.front().second.size();
    events_.pop_front();
  }
  for (Reader* reader : readers_) {
    std::weak_ptr<asio::steady_timer> timer = reader->timer_;
    asio::post(reader->timer_->get_executor(), [timer] {
      if (const auto alive = timer.lock()) alive->cancel();
    });
  }
}

bool ChangeFeed::read_after(std::uint64_t seen, std::string& events, std::uint64_t& newest) const {
  const std::lock_guard lock(mutex_);
  newest = seen;
  if (seen < forgotten_) return false;
  for (const auto& [version, event] : events_) {
    if (version <= seen) continue;
    events += event;
    newest = version;
  }
  return true;
}

std::size_t ChangeFeed::readers() const {
  const std::lock_guard lock(mutex_);
  return readers_.size();
}

ChangeFeed::Reader::Reader(ChangeFeed& feed, const asio::any_io_executor& executor)
    : feed_(feed), timer_(std::make_shared<asio::steady_timer>(executor)) {
  const std::lock_guard lock(feed_.mutex_);
  feed_.readers_.insert(this);
}

ChangeFeed::Reader::~Reader() {
  const std::lock_guard lock(feed_.mutex_);
  feed_.readers_.erase(this);
}

asio::awaitable<void> ChangeFeed::Reader::wait(std::chrono::milliseconds most) {
  boost::system::error_code ignored;
  timer_->expires_after(most);
  co_await timer_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace market::registry
