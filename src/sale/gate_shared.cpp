// The gate on a log that several processes write: it follows what others append, learns when it is not the
// writer any more, and gives signs of life while it is.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <limits>

#include "sale/gate.hpp"
#include "sale/log_reader.hpp"

namespace market::sale {
namespace {

/// The address in an Open that begins a term for nobody: its writer stops, and another may begin at once.
constexpr std::string_view leaving = "leaving";
constexpr Millis follow_wait{20};          ///< For the next record; commands wait so long for their refusal.
constexpr std::size_t ahead_max = 10'000;  ///< Lines that wait to be shown.
constexpr Millis read_back_wait{1'000};    ///< For records that are there already.
constexpr Millis clock_off_max{1'000};     ///< Sales open and close within it, wherever they are judged.
constexpr Millis clock_asked_every{60'000}, wrong_clock_asked_every{10'000}, wrong_clock_opens_not{1'000};
constexpr Place events_per_order_max = 4;  ///< Of those that come soon: it is paid, or it ends.

}  // namespace

/// One record of the log, whoever wrote it. Answers the events of our own group in flight, when it was that.
Result<CountedEvents> LogGate::follow_one(Offset offset, std::string_view record) {
  const auto followed = sequencer_.follow(offset, record);
  if (!followed)
    return fail(Code::internal, fmt::format("the record at offset {}: {}", offset, followed.error().detail));
  const Instant now = parts_.clock.now();
  if (followed->opened) {
    note_opened(now);
    if (!log_lost_) parts_.products.set_recovering(false);
  }
  if (!followed->events) return CountedEvents();
  watch_.heard(now);
  note_heard(now);
  if (followed->own) return followed->events;
  hears_another_.store(true, std::memory_order_relaxed);
  name_records();
  show(followed->events);
  return CountedEvents();
}

/// A term began, whoever writes in it.
void LogGate::note_opened(Instant now) {
  watch_.opened(now);
  if (sequencer_.writer_address() == leaving) watch_.left();
  note_heard(now);
  note_term();
}

/// What has come by itself. While we write, that is nothing, or the end of our writing.
void LogGate::follow_others(Instant now) {
  watch_.tick(now);
  Result<> wrong;
  const Millis wait = writes_.load(std::memory_order_relaxed) ? Millis(0) : follow_wait;
  const Offset before = sequencer_.end().next;
  const auto read = parts_.shared->tail(before, wait, [&](Offset offset, std::string_view record) {
    const auto own = follow_one(offset, record);
    if (!own) wrong = fail(own.error());
    if (own && *own) show(*own);  // Whose answers are gone: its append was not read back in time.
    return own.has_value();
  });
  if (!read) wrong = read;
  if (!wrong && wrong.error().code == Code::internal) lose_log(wrong.error());
  if (sequencer_.end().next != before) heard_since_ahead_ = true;
  // It is back, and there is no more of it: what it says holds, whatever was shown.
  else if (wrong && heard_since_ahead_ && parts_.products.shows_ahead())
    parts_.products.end_ahead(std::numeric_limits<Place>::max(), sequencer_.state());
  if (has_ahead_.load(std::memory_order_relaxed)) show_what_is_ahead();
  if (writes_.load(std::memory_order_relaxed) && !sequencer_.writes(term_)) {
    spdlog::warn("another instance writes the event log now");
    last_failure_ = Error(Code::recovering, "another instance writes; nothing happened");
    stop_writing();
  }
  if (writes_.load(std::memory_order_relaxed)) return;
  sequencer_.skip_due(now);
  // A writer takes no orders beyond fold_lag_max, and few events more come of each: only an instance that is
  // cut off from the records comes so far, and nothing else bounds what it keeps.
  const Place lag = sequencer_.end().point.last - parts_.projector.place();
  if (lag > events_per_order_max * settings_.fold_lag_max)
    settings_.start_anew(fmt::format("{} events are not in the records for this instance alone", lag));
}

/// Our group lies behind records of others: they come first. Null: it does not count.
Result<CountedEvents> LogGate::read_back(Offset through) {
  CountedEvents ours;
  Result<> wrong;
  const auto deadline = parts_.clock.now() + read_back_wait;
  while (sequencer_.end().next <= through && wrong && parts_.clock.now() < deadline) {
    const auto read =
        parts_.shared->tail(sequencer_.end().next, follow_wait, [&](Offset offset, std::string_view record) {
          auto own = follow_one(offset, record);
          if (!own) wrong = fail(own.error());
          if (own && *own) ours = std::move(*own);
          return own.has_value() && offset < through;
        });
    if (!read) wrong = read;
  }
  if (!wrong) return fail(wrong.error());
  return ours;
}

/// While there is nothing to write: others must know that we could.
void LogGate::give_sign_of_life(Instant now) {
  if (!writes_.load(std::memory_order_relaxed) || !watch_.owes_sign_of_life(now)) return;
  sequencer_.barrier(now);
  static_cast<void>(commit({}));
}

/// Until somebody has looked: what lies there is not what was followed.
void LogGate::lose_log(const Error& why) {
  if (!std::exchange(log_lost_, true))
    spdlog::critical(
        "{}; this instance had followed it to place {}; nothing is sold until it is restored, or 'market log "
        "adopt' takes it as it is",
        why.detail, sequencer_.end().point.last);
  last_failure_ = Error(Code::recovering, "the event log is not the one that was followed");
  stop_writing();
  log_away_.store(true, std::memory_order_relaxed);
  parts_.products.set_recovering(true);
}

/// Hands over: a term that nobody writes in tells the others not to wait for our silence.
void LogGate::leave() {
  if (!parts_.shared || !writes_.load(std::memory_order_relaxed)) return;
  const auto open = sequencer_.open(parts_.random(), sequencer_.end().point.log, parts_.clock.now(), {},
                                    std::string(leaving));
  stop_writing();
  if (const auto left = parts_.log.append(open); !left)
    spdlog::warn("the others learn by themselves that this instance stopped: {}", left.error().detail);
}

std::string LogGate::clock_trouble() const {
  const Millis off =
      parts_.shared && settings_.may_write ? parts_.shared->clock_off().value_or(Millis(0)) : Millis(0);
  if (off >= -clock_off_max && off <= clock_off_max) return {};
  return fmt::format("the clock is {} s {} the event log's: set it right and start this instance again",
                     std::chrono::round<std::chrono::seconds>(std::chrono::abs(off)).count(),
                     off > Millis(0) ? "ahead of" : "behind");
}

/// A writer's own groups tell. Whoever follows asks at its start, and now and then: it is to be known before
/// it opens.
void LogGate::watch_clock(Instant now) {
  if (!settings_.may_write || log_lost_ || !parts_.shared->clock_off()) return;
  const auto trouble = clock_trouble();
  if (writes_.load(std::memory_order_relaxed)) {
    if (trouble.empty()) return;
    spdlog::critical("{}; another instance shall write", trouble);
    leave();
    clock_asked_ = now;  // Whoever opens now shall find nothing between.
    next_try_ = now + wrong_clock_opens_not;
    return;
  }
  const Millis every = trouble.empty() ? clock_asked_every : wrong_clock_asked_every;
  if (clock_asked_ == Instant{} || now - clock_asked_ >= every) static_cast<void>(ask_clock(now));
}

/// By a record of our own that counts for nobody: an Open that begins no term.
Result<> LogGate::ask_clock(Instant now) {
  clock_asked_ = now;
  const auto asked = sequencer_.open(0, sequencer_.end().point.log, parts_.clock.now(),
                                     fmt::format("clock {:x}", parts_.random()), {});
  const auto offset = parts_.log.append(asked);
  if (!offset) return fail(offset.error());
  clock_known_ = true;
  if (*offset != sequencer_.end().next) return fail(Code::conflict, "another writer has appended to the log");
  const auto followed = sequencer_.follow(*offset, asked);
  if (!followed) return fail(followed.error());
  return {};
}

/// Before it opens. One that was right when it was last asked is right: nothing sets it.
bool LogGate::has_right_clock(Instant now) {
  if (!parts_.shared || !parts_.shared->clock_off()) return true;
  if (clock_known_ && clock_trouble().empty()) return true;
  const auto asked = ask_clock(now);
  const auto trouble = clock_trouble();
  if (asked && trouble.empty()) return true;
  if (!trouble.empty()) {
    next_try_ = now + wrong_clock_opens_not;
    say_again_rarely(trouble + "; it does not write");
  } else if (asked.error().code != Code::conflict) {
    say_again_rarely(fmt::format("the event log cannot be written: {}", asked.error().detail));
  }
  parts_.products.set_recovering(trouble.empty() && asked.error().code != Code::conflict);
  return false;
}

void LogGate::stop_writing() {
  writes_.store(false, std::memory_order_release);
  if (remote_) remote_->writes(0, place_.load(std::memory_order_relaxed));
}

/// Whoever writes now: commands go there.
void LogGate::note_term() {
  {
    const std::scoped_lock lock(shared_mutex_);
    log_ = sequencer_.end().point.log;
  }
  const auto term = sequencer_.end().point.term;
  if (!remote_ || term == noted_term_) return;
  noted_term_ = term;
  remote_->opened(term, sequencer_.writer_address() == leaving ? std::string() : sequencer_.writer_address());
}

LogId LogGate::log() const {
  const std::scoped_lock lock(shared_mutex_);
  return log_;
}

void LogGate::show_ahead(std::vector<StockLine> lines) {
  const std::scoped_lock lock(shared_mutex_);
  if (ahead_.size() > ahead_max) ahead_.clear();  // They are written again when they move.
  ahead_.insert(ahead_.end(), lines.begin(), lines.end());
  has_ahead_.store(true, std::memory_order_relaxed);
}

void LogGate::show_what_is_ahead() {
  std::vector<StockLine> lines;
  {
    const std::scoped_lock lock(shared_mutex_);
    has_ahead_.store(false, std::memory_order_relaxed);
    lines.swap(ahead_);
  }
  if (writes_.load(std::memory_order_relaxed)) return;
  heard_since_ahead_ = false;
  parts_.products.show_ahead(lines, place_.load(std::memory_order_relaxed));
}

void LogGate::note_heard(Instant now) {
  if (!log_lost_) log_away_.store(false, std::memory_order_relaxed);
  heard_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

Result<> LogGate::follow_to_now(Millis longest) const {
  if (!parts_.shared) return {};
  // Whoever waits here has others behind him.
  if (log_silent_.load(std::memory_order_relaxed)) return fail(Code::unavailable, "the event log is silent");
  // Whoever writes asks as well: another may have opened a term that has not come here yet.
  const auto deadline = parts_.clock.now() + longest;
  const auto end = parts_.shared->end();
  if (!end) return fail(Code::unavailable, "the event log cannot be asked for what is new");
  while (followed_.load(std::memory_order_acquire) < *end) {
    if (parts_.clock.now() >= deadline)
      return fail(Code::unavailable, "this instance is behind the event log; ask again");
    std::this_thread::sleep_for(Millis(1));
  }
  return {};
}

Millis LogGate::silent_for() const {
  return parts_.clock.now() - Instant(Millis(heard_at_.load(std::memory_order_relaxed)));
}

bool LogGate::should_try_to_write(Instant now) const {
  if (now < next_try_ || !settings_.may_write) return false;
  return !parts_.shared || (!log_lost_ && !stopping_.load() && watch_.should_open(now));
}

}  // namespace market::sale
