#include "services/gateway/event_fan.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace market::gateway {
namespace {

/// `event: stock`: stock. Without one, the first field's name; of a comment, nothing.
std::string kind_of(std::string_view event) {
  constexpr std::string_view name = "event:";
  std::string first;
  for (std::size_t at = 0; at < event.size();) {
    const auto end = std::min(event.find_first_of("\r\n", at), event.size());
    auto line = event.substr(at, end - at);
    at = end + 1;
    if (line.starts_with(name)) {
      line.remove_prefix(name.size());
      if (line.starts_with(' ')) line.remove_prefix(1);
      return "event " + std::string(line);
    }
    if (first.empty()) first = line.substr(0, line.find(':'));
  }
  return first;
}

/// Just behind the first empty line from `begin`, whether lines end with LF, CRLF or CR; npos: none has come.
/// The LF of a CR that came last may be still to come: it is then an empty line, which says nothing.
std::size_t end_of_event(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin;;) {
    const auto end = text.find_first_of("\r\n", at);
    if (end == std::string_view::npos) return end;
    const bool empty = end == at;
    at = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
    if (empty) return at;
  }
}

}  // namespace

bool NewestEvents::add(const Text& event) {
  auto kind = kind_of(*event);
  std::erase_if(events_, [&kind](const Kept& kept) { return kept.kind == kind; });
  if (events_.size() >= kinds_max) return false;
  events_.push_back({std::move(kind), event});
  return true;
}

std::string NewestEvents::take() {
  std::string all;
  for (const auto& kept : events_) all += *kept.text;
  events_.clear();
  return all;
}

std::string NewestEvents::lasting() const {
  std::string all;
  for (const auto& kept : events_)
    if (!kept.kind.empty()) all += *kept.text;
  return all;
}

/// Keeps a reader listed while its coroutine lives, however that ends.
class EventFan::Membership {
 public:
  Membership(EventFan& fan, Reader& reader) : fan_(fan), reader_(reader) {
    fan.readers_.push_back(&reader);
    fan.round_.joined();
  }
  ~Membership() {
    const auto found = std::find(fan_.readers_.begin(), fan_.readers_.end(), &reader_);
    fan_.round_.left(static_cast<std::size_t>(found - fan_.readers_.begin()));
    fan_.readers_.erase(found);
  }
  Membership(const Membership&) = delete;

 private:
  EventFan& fan_;
  Reader& reader_;
};

/// Reading for all. Whoever leaves in the middle of it wakes the others, so that one of them goes on.
class EventFan::ReadingTurn {
 public:
  explicit ReadingTurn(EventFan& fan) : fan_(fan) { fan.being_read_ = true; }
  ~ReadingTurn() {
    fan_.being_read_ = false;
    fan_.wake_all();
  }
  ReadingTurn(const ReadingTurn&) = delete;

 private:
  EventFan& fan_;
};

void EventFan::wake_all() {
  round_.begin(readers_.size());
  if (!pace_) wake_some();
}

void EventFan::wake_some() {
  pace_.reset();
  for (std::size_t i = 0; i < wakes_a_turn; ++i) {
    const auto position = round_.next(readers_.size());
    if (!position) return;
    readers_[*position]->woken.cancel();
  }
  pace_.emplace(readers_.front()->woken.get_executor(), wake_pause);
  pace_->async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (const auto fan = weak.lock(); fan && !cancelled) fan->wake_some();
  });
}

void EventFan::end() {
  ended_ = true;
  upstream_.reset();
  holds_.reset();
}

void EventFan::publish(std::string_view event) {
  const auto text = std::make_shared<const std::string>(event);
  bool fits = newest_.add(text);
  for (Reader* reader : readers_) fits = reader->pending.add(text) && fits;
  if (!fits) end();
}

void EventFan::take(std::string_view piece) {
  unfinished_.append(piece);
  std::size_t begin = 0;
  for (;;) {
    const auto end = end_of_event(unfinished_, begin);
    if (end == std::string::npos) break;
    publish(std::string_view(unfinished_).substr(begin, end - begin));
    begin = end;
  }
  unfinished_.erase(0, begin);
  if (unfinished_.size() > event_bytes_max) end();
}

Task<> EventFan::serve(std::shared_ptr<EventFan> fan, http::Stream& to) {
  const auto executor = co_await asio::this_coro::executor;
  Reader reader(executor);
  const Membership membership(*fan, reader);
  std::string text = fan->newest_.lasting();
  for (;;) {
    if (text.empty()) text = reader.pending.take();
    if (!text.empty()) {
      std::string out;
      out.swap(text);
      const auto written = co_await to.write(std::move(out));
      if (!written) co_return fail(written.error());
      continue;
    }
    if (fan->ended_) co_return Result<>();
    if (!fan->being_read_) {
      const ReadingTurn turn(*fan);
      const auto upstream = fan->upstream_;
      const auto piece = co_await upstream->next();
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none)
        co_return fail(Code::unavailable, "its reader left");
      if (!piece || piece->empty())
        fan->end();
      else
        fan->take(*piece);
      continue;
    }
    boost::system::error_code woken;
    reader.woken.expires_at(asio::steady_timer::time_point::max());
    co_await reader.woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

}  // namespace market::gateway
