#pragma once
/// One upstream event stream of which each event says all that there is to know (a product's stock), and all
/// its readers on this thread. Whoever comes later gets the newest event of each kind first; whoever is slow
/// misses the older ones of a kind, and holds up nobody.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client/upstream_call.hpp"
#include "http/message/message.hpp"
#include "services/gateway/coalescer.hpp"

namespace market::gateway {

/// The newest event of each kind, in the order in which they came.
class NewestEvents {
 public:
  using Text = std::shared_ptr<const std::string>;
  static constexpr std::size_t kinds_max = 16;  ///< A stream with more is no such stream.
  /// False: too many kinds.
  bool add(const Text& event);
  bool empty() const { return events_.empty(); }
  /// All of them, as one text; none are left.
  std::string take();
  /// Without comments: they only say that the stream lives.
  std::string lasting() const;

 private:
  struct Kept {
    std::string kind;
    Text text;
  };
  std::vector<Kept> events_;
};

/// Whose turn it is to be woken, among readers that come at the end and leave anywhere. All that were there
/// at begin() and stay come, each at least once.
class WakeRound {
 public:
  void begin(std::size_t readers) { left_ = readers; }
  /// The position of the next one; none: all have been woken.
  std::optional<std::size_t> next(std::size_t readers) {
    if (left_ == 0 || readers == 0) return std::nullopt;
    --left_;
    if (at_ >= readers) at_ = 0;
    return at_++;
  }
  /// One more, at the end.
  void joined() { left_ += left_ > 0; }
  void left(std::size_t position) { at_ -= position < at_; }

 private:
  std::size_t at_ = 0, left_ = 0;
};

class EventFan : public std::enable_shared_from_this<EventFan> {
 public:
  static constexpr std::size_t event_bytes_max = 64 * 1024;
  /// Thousands of readers are told over some time, so that an order does not wait behind all of them.
  static constexpr std::size_t wakes_a_turn = 16;
  static constexpr std::chrono::milliseconds wake_pause{1};

  /// `holds`: what is given back when the upstream's stream ends. A cookie in `head` is nobody's.
  EventFan(std::shared_ptr<http::AnswerStream> upstream, const http::ForwardedHead& head,
           std::shared_ptr<void> holds = nullptr)
      : upstream_(std::move(upstream)),
        holds_(std::move(holds)),
        head_{without_cookies(head.lines), head.stream_length} {}
  const http::ForwardedHead& head() const { return head_; }
  bool has_ended() const { return ended_; }
  /// A reader's whole life: until it leaves, or the upstream's stream ends. One of those who have nothing to
  /// write reads for all; when it leaves, another goes on.
  static Task<> serve(std::shared_ptr<EventFan> fan, http::Stream& reader);

 private:
  struct Reader {
    explicit Reader(const asio::any_io_executor& executor) : woken(executor) {}
    asio::steady_timer woken;  ///< Cancelled: there is something to do.
    NewestEvents pending;
  };
  class Membership;
  class ReadingTurn;
  void take(std::string_view piece);
  void publish(std::string_view event);
  void wake_all();
  void wake_some();
  void end();

  std::shared_ptr<http::AnswerStream> upstream_;
  std::shared_ptr<void> holds_;
  const http::ForwardedHead head_;
  std::vector<Reader*> readers_;
  WakeRound round_;
  std::optional<asio::steady_timer> pace_;  ///< Set while some are still to be woken.
  NewestEvents newest_;
  std::string unfinished_;  ///< The beginning of an event.
  bool being_read_ = false, ended_ = false;
};

}  // namespace market::gateway
