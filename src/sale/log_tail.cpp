#include "sale/log_tail.hpp"

#include <boost/asio/redirect_error.hpp>

#include "sale/log_reader.hpp"

namespace market::sale {

FollowedTo followed_to(const LogEnd& end) {
  return {end.point.log, end.point.term, end.point.last, end.next, end.checksum, end.point.last};
}

namespace {

struct Reading {
  LogRule rule;
  LogPart part;
  Place shown;
  bool held = false;  ///< The log goes on with what is not shown yet.
  std::size_t records = 0;
  Result<> read{};
};

/// False: that is enough.
bool read_record(Reading& reading, const TailSettings& settings, Offset offset, std::string_view record) {
  FollowedTo& to = reading.part.to;
  if (++reading.records > settings.part_records_max ||
      reading.part.events.size() >= settings.part_events_max) {
    reading.part.more = true;
    return false;
  }
  const auto events = judge(reading.rule, record, settings.foreign_bytes_ignored);
  if (!events) {
    reading.read = fail(events.error());
    return false;
  }
  // Events are told with the log's generation: a part is of one.
  if (reading.rule.at().log.generation != to.log.generation && !reading.part.events.empty()) {
    reading.part.more = true;
    return false;
  }
  if (*events && !(*events)->empty() && (*events)->back().place > reading.shown) {
    reading.held = true;
    return false;
  }
  if (*events)
    for (const CountedEvent& event : **events)
      if (event.place > to.done) reading.part.events.push_back(event);
  to.next = offset + 1;
  to.checksum = wire::record_checksum(record);
  const LogRule::Point& at = reading.rule.at();
  to.log = at.log;
  to.term = at.term;
  to.last = at.last;
  return true;
}

/// Up to where the log still holds what one knows who has followed `known` to `done`: behind the `Open` of a
/// later generation, and behind the log's end, places are given again, and their events are new.
Result<Place> still_done(Log& log, LogId known, Place done, bool foreign_ignored) {
  LogRule rule;
  Result<> judged;
  std::optional<Place> ends;
  const auto read = log.read(1, [&](Offset, std::string_view record) {
    const auto events = judge(rule, record, foreign_ignored);
    if (!events) judged = fail(events.error());
    if (rule.at().log.generation > known.generation) ends = rule.at().last;
    return events && !ends;
  });
  if (!read) return fail(read.error());
  if (!judged) return fail(judged.error());
  return std::min(done, ends.value_or(rule.at().last));
}

}  // namespace

Result<LogPart> read_part(Log& log, const FollowedTo& from, const TailSettings& settings, Place shown) {
  Reading reading{LogRule(LogRule::Point{from.log, from.term, from.last}), {}, shown};
  reading.part.to = from;
  bool same = from.next == 1;  // Whether the record before it is the one that was read.
  const auto read = log.read(std::max<Offset>(1, from.next - 1), [&](Offset offset, std::string_view record) {
    if (!same) {
      same = offset == from.next - 1 && wire::record_checksum(record) == from.checksum;
      return same;
    }
    return read_record(reading, settings, offset, record);
  });
  if (!read) return fail(read.error());
  if (!same) {
    const auto done = still_done(log, from.log, from.done, settings.foreign_bytes_ignored);
    if (!done) return fail(done.error());
    LogPart anew;
    anew.to.done = *done;
    anew.more = anew.begun_anew = true;
    return anew;
  }
  if (!reading.read) return fail(reading.read.error());
  FollowedTo& to = reading.part.to;
  // At the end of a log that is shorter than what one had done who had read nothing yet.
  if (to.last > to.done || !(reading.part.more || reading.held)) to.done = to.last;
  return std::move(reading.part);
}

LogTail::LogTail(Log& log, LogEffect& effect, BlockingPool& pool, asio::any_io_executor executor,
                 FollowedTo beginning, std::function<bool()> may_run, std::function<Place()> shown,
                 std::function<void(const std::string&)> warn, TailSettings settings)
    : log_(log),
      effect_(effect),
      pool_(pool),
      executor_(executor),
      beginning_(beginning),
      may_run_(std::move(may_run)),
      shown_(std::move(shown)),
      warn_(std::move(warn)),
      settings_(settings),
      timer_(executor),
      retry_wait_(settings.retry_wait) {}

void LogTail::poke() {
  poked_.store(true);
  if (!idle_.exchange(false)) return;  // While it works it looks by itself.
  asio::post(executor_, [this] { timer_.cancel(); });
}

void LogTail::start() {
  tasks_.spawn(executor_, run());
}

bool LogTail::stop(Millis longest) {
  asio::post(executor_, [this] {
    stopped_ = true;
    timer_.cancel();
  });
  return tasks_.wait(longest);
}

asio::awaitable<void> LogTail::wait(Millis longest) {
  timer_.expires_after(longest);
  boost::system::error_code ignored;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> LogTail::run() {
  Millis before = settings_.linger;
  while (!stopped_) {
    co_await wait(before);
    if (stopped_) co_return;
    poked_.store(false);
    const auto stepped = co_await step_or_failure();
    note(stepped);
    before = settings_.linger;
    if (!stepped) {
      before = retry_wait_;
      retry_wait_ = std::min(retry_wait_ * 2, settings_.retry_wait_max);
      continue;
    }
    retry_wait_ = settings_.retry_wait;
    if (*stepped) before = settings_.pause;
    if (*stepped || stopped_) continue;
    idle_.store(true);
    if (!poked_.load()) co_await wait(settings_.look_every);
    idle_.store(false);
  }
}

void LogTail::note(const Result<bool>& stepped) {
  const std::string now = stepped ? std::string() : stepped.error().detail;
  if (now == failing_) return;
  failing_ = now;
  if (!now.empty()) warn_(now);
}

/// One that throws has failed like any other, and is tried again.
Task<bool> LogTail::step_or_failure() {
  std::string thrown;
  try {
    auto stepped = co_await step();
    co_return stepped;
  } catch (const std::exception& failure) {
    thrown = failure.what();
  }
  co_return fail(Code::internal, thrown);
}

Task<bool> LogTail::step() {
  if (may_run_ && !may_run_()) {
    effect_.rest();
    co_return false;
  }
  auto followers = co_await effect_.followers();
  if (!followers) co_return fail(followers.error());
  bool more = false;
  Parts parts;
  for (LogEffect::Follower& follower : *followers) {
    if (stopped_) break;
    const auto stepped = co_await step_of(follower, parts);
    if (!stepped) co_return fail(stepped.error());
    more = more || *stepped;
  }
  co_return more;
}

Task<LogPart> LogTail::read(const FollowedTo& from, Parts& parts) {
  for (const auto& [place, part] : parts)
    if (place == from) co_return part;
  const auto read_on = [this, from] { return read_part(log_, from, settings_, shown_()); };
  auto part = co_await pool_.run(read_on);
  if (part && parts.size() < parts_max) parts.emplace_back(from, *part);
  co_return part;
}

Task<bool> LogTail::step_of(LogEffect::Follower follower, Parts& parts) {
  FollowedTo from = follower.at ? *follower.at : beginning_;
  if (from.next == 1 && from.done >= beginning_.done) {  // One that begins in the middle of the log.
    const Place done = from.done;
    from = beginning_;
    from.done = done;
  }
  auto part = co_await read(from, parts);
  if (!part) co_return fail(part.error());
  if (part->begun_anew) warn_("the log is not the one that was followed: it is read again from its start");
  if (follower.at && part->to == *follower.at) co_return false;
  const bool more = part->more;
  const auto taken = co_await effect_.take(follower.id, std::move(part->events), part->to);
  if (!taken) co_return fail(taken.error());
  co_return more;
}

}  // namespace market::sale
