#pragma once
/// Shows the log to those that have an effect outside (ports/log_effect.hpp): each from its own stored place
/// on, part by part, behind those that write it, and never faster than it can be taken. Nothing is kept in
/// memory for one that is slow: the log has it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <limits>

#include "base/task_group.hpp"
#include "ports/log.hpp"
#include "ports/log_effect.hpp"
#include "ports/log_follower.hpp"
#include "sale/sequencer.hpp"

namespace market::sale {

struct TailSettings {
  std::size_t part_events_max = 256;  ///< Of one step of one follower; a group is taken whole or in parts.
  std::size_t part_records_max = 2'000;
  Millis linger{100};        ///< Before a step: events come in groups, and buyers come first.
  Millis pause{20};          ///< Between two steps while there is more.
  Millis look_every{2'000};  ///< For a follower that has room again, though nothing was written.
  Millis retry_wait{200}, retry_wait_max{5'000};
  bool foreign_bytes_ignored = false;
};

/// What lies behind a place.
struct LogPart {
  std::vector<CountedEvent> events;
  FollowedTo to;
  bool more = false;  ///< The log goes on behind it.
  bool begun_anew =
      false;  ///< The log is not the one that was followed: it is read from its start, by places.
};
/// `shown`: a group that goes beyond it is not read yet. Errors: the log's.
Result<LogPart> read_part(Log& log, const FollowedTo& from, const TailSettings& settings,
                          Place shown = std::numeric_limits<Place>::max());

FollowedTo followed_to(const LogEnd& end);

/// Lives on one executor that runs on one thread; reads on `pool`.
class LogTail final : public LogFollower {
 public:
  /// `beginning`: where one begins that has no place. `may_run`: whether this process is the one whose
  /// effects count; asked before each step. `shown`: how far this process knows the orders: who is told of an
  /// event asks for its order, and a shared log may hold events that nobody here has heard of yet. `warn`
  /// gets one line when something does not work.
  LogTail(Log& log, LogEffect& effect, BlockingPool& pool, asio::any_io_executor executor,
          FollowedTo beginning, std::function<bool()> may_run, std::function<Place()> shown,
          std::function<void(const std::string&)> warn, TailSettings settings = {});
  /// Any thread: there is something to read, or room for it.
  void poke();
  void follow(const CountedEvents&) override { poke(); }
  void start();
  /// Any thread but its own. False: a step was still under way after `longest`.
  bool stop(Millis longest = Millis(5'000));

 private:
  asio::awaitable<void> run();
  asio::awaitable<void> wait(Millis longest);
  /// Whether there is more to do at once.
  Task<bool> step();
  Task<bool> step_or_failure();
  /// What one step has read, for others that stand at the same place: most followers of one effect do, and
  /// each read begins anew at a broker.
  using Parts = std::vector<std::pair<FollowedTo, LogPart>>;
  static constexpr std::size_t parts_max = 4;
  Task<LogPart> read(const FollowedTo& from, Parts& parts);
  Task<bool> step_of(LogEffect::Follower follower, Parts& parts);
  void note(const Result<bool>& stepped);

  Log& log_;
  LogEffect& effect_;
  BlockingPool& pool_;
  asio::any_io_executor executor_;
  const FollowedTo beginning_;
  const std::function<bool()> may_run_;
  const std::function<Place()> shown_;
  const std::function<void(const std::string&)> warn_;
  const TailSettings settings_;
  asio::steady_timer timer_;
  Millis retry_wait_;
  std::string failing_;  ///< What was warned of.
  bool stopped_ = false;
  std::atomic<bool> poked_{false}, idle_{false};
  TaskGroup tasks_{"a follower of the log"};
};

}  // namespace market::sale
