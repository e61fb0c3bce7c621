#pragma once
/// One thread of the load generator: its share of the connections, on one epoll set.

#include <atomic>
#include <deque>

#include "apps/bench/generator.hpp"
#include "apps/bench/response_reader.hpp"

namespace market::apps::load {

/// What the workers of a run share.
struct Run {
  using Clock = std::chrono::steady_clock;
  const Target& target;
  const LoadPlan& plan;
  const Requests& requests;
  std::atomic<std::uint64_t> next{0};  ///< Closed loop: the number of the next request.
  Clock::time_point start{};
};

class Worker {
 public:
  using Clock = Run::Clock;
  Worker(Run& run, int index, int connections);
  ~Worker();
  Worker(const Worker&) = delete;

  /// Connects all; throws std::runtime_error when one is refused.
  void connect();
  /// Sends and counts until everything is answered or the time is over.
  void work();
  const Tally& tally() const { return tally_; }

 private:
  enum class State : std::uint8_t { closed, connecting, idle, busy };
  struct Connection {
    int fd = -1;
    State state = State::closed;
    Clock::time_point since{};  ///< Of the request under way: when it was due, or sent (closed loop).
    std::string out;
    std::size_t sent = 0;
    std::string in;
    std::size_t filled = 0;
    ResponseReader reader;
  };

  bool open_loop() const { return run_.plan.rate > 0; }
  bool may_send(Clock::time_point now) const;
  bool scheduled_left() const;
  Clock::time_point due() const;
  void send_due(Clock::time_point now);
  void next_request(std::size_t index, Clock::time_point now);
  void begin(Connection& connection, std::uint64_t number, Clock::time_point since);
  void flush(Connection& connection);
  void receive(std::size_t index);
  bool take_answer(std::size_t index, Clock::time_point now);
  void open(std::size_t index);
  void lose(std::size_t index);
  void wait(Clock::time_point now, Clock::time_point until);
  void reopen(Clock::time_point now);
  void finish();

  Run& run_;
  const std::uint64_t index_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;     ///< In turn, so that all connections are used.
  std::vector<std::size_t> closed_;  ///< To be opened again at `reopen_at_`.
  Clock::time_point reopen_at_{};
  Clock::time_point last_answer_{};
  std::uint64_t scheduled_ = 0;  ///< Open loop: how many of this worker's arrivals were sent.
  std::size_t busy_ = 0;
  Tally tally_;
};

}  // namespace market::apps::load
