// How the gate starts, and how it comes back after an append whose outcome is unknown.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <stdexcept>

#include "sale/begin_term.hpp"
#include "sale/gate.hpp"
#include "sale/log_reader.hpp"

namespace market::sale {
namespace {

template <class T>
T must(Result<T> result, std::string_view what) {
  if (!result) throw std::runtime_error(fmt::format("{}: {}", what, result.error().detail));
  return std::move(*result);
}

void name_in(RecordFold& records, LogId log) {
  if (const auto set = records.set_log(log); !set)
    spdlog::warn("the records do not know their log until the next start: {}", set.error().detail);
}

/// Whether records that were folded from `records_of` may be told of what `log` says.
bool may_fold(LogId log, LogId records_of) {
  return log.is_same_log(records_of) && log.generation <= records_of.generation;
}

void expect_records_of(LogId log, LogId records_of) {
  if (!records_of || !log || records_of == id_of_next_term(log, records_of)) return;
  throw std::runtime_error(
      records_of.is_same_log(log) && records_of.generation < log.generation
          ? "the event log was adopted, and the records were not folded anew; run 'market log adopt' again"
          : "the records belong to another log than this event log; restore a backup");
}

/// Something that was answered is gone: nobody but the operator may decide that.
[[noreturn]] void refuse_lost_end(Place end, std::string_view who, Place known,
                                  const std::vector<OrderId>& lost) {
  std::string orders;
  for (std::size_t i = 0; i < std::min<std::size_t>(lost.size(), 5); ++i)
    orders += (i == 0 ? "" : ", ") + lost[i].text();
  throw std::runtime_error(
      fmt::format("the event log has lost its newest events: it ends at place {}, {} {} (orders {}{}); "
                  "restore a backup, or accept the loss with 'market log adopt'",
                  end, who, known, orders.empty() ? "none" : orders,
                  lost.size() > 5 ? fmt::format(" and {} more", lost.size() - 5) : ""));
}

}  // namespace

LogGate::LogGate(GateParts parts, GateSettings settings)
    : parts_(std::move(parts)),
      settings_(settings),
      sequencer_(settings.sequencer, parts_.keys),
      watch_(settings.watch, parts_.random() | 1),
      snapshot_writer_(parts_.snapshots, parts_.keys, parts_.projector) {
  if (parts_.link)
    remote_ = std::make_unique<RemoteGate>(
        *parts_.link, parts_.clock, settings_.sender, wire::CommandSession{parts_.random(), parts_.random()},
        [this](Command command, wire::Term term) { return decide_here(std::move(command), term); });
  recover();
  note_term();
  const Instant now = parts_.clock.now();
  note_heard(now);
  if (const auto behind = std::chrono::round<std::chrono::seconds>(sign_of_life_ - now); behind.count() > 0)
    spdlog::error("the wall clock is {} s behind the log: unpaid orders keep their units for so much longer",
                  behind.count());
  if (!parts_.shared) {
    try_to_write(now);
    return;
  }
  last_failure_ = Error(Code::recovering, "another instance writes; nothing happened");
  if (!sequencer_.end().point.log) watch_.left();  // Nobody has ever written here.
}

/// A snapshot is only a short cut: without a usable one the whole log is read. What it knows, used or not.
LogRule::Point LogGate::restore_snapshot(Place records_at) {
  const auto bytes = parts_.snapshots.load();
  if (!bytes) spdlog::warn("the snapshot cannot be read, the whole log is: {}", bytes.error().detail);
  if (!bytes || !*bytes) return {};
  auto decoded = decode_snapshot(**bytes);
  std::string trouble;
  if (!decoded) {
    trouble = decoded.error().detail;
  } else if (decoded->memory.end.point.last > records_at) {
    trouble = "it is ahead of the records";
  } else {
    // Of this very log: the record before its end is the one that it knows.
    const LogEnd& end = decoded->memory.end;
    trouble = "the log does not hold what it was made from";
    const auto looked = parts_.log.read(end.next - 1, [&](Offset, std::string_view record) {
      if (wire::record_checksum(record) == end.checksum) trouble.clear();
      return false;
    });
    if (!looked) trouble = looked.error().detail;
    if (trouble.empty())
      if (const auto merged = parts_.keys.merge(decoded->rest); !merged) trouble = merged.error().detail;
  }
  if (!trouble.empty()) {
    spdlog::warn("the snapshot is not used, the whole log is read instead: {}", trouble);
    return decoded ? decoded->memory.end.point : LogRule::Point{};
  }
  sequencer_.restore(std::move(decoded->memory));
  snapshot_at_ = started_from_ = sequencer_.end().point.last;
  return sequencer_.end().point;
}

/// Read once more: of a start that goes on, nobody asks.
std::vector<OrderId> LogGate::lost_orders_of_snapshot() {
  const auto bytes = parts_.snapshots.load();
  std::vector<OrderId> ids;
  if (!bytes || !*bytes) return ids;
  if (const auto decoded = decode_snapshot(**bytes))
    for (const OpenOrder& order : orders_beyond(decoded->memory.state, sequencer_.end().point.last))
      ids.push_back(order.id);
  return ids;
}

void LogGate::recover() {
  const Place records_at = parts_.projector.place();
  LogId records_of = must(parts_.fold.log(), "the records cannot be read");
  records_named_ = static_cast<bool>(records_of);
  if (!records_of) {
    // By the log's last generation, which its first records may not have.
    records_of = must(newest_id(parts_.log), "the event log cannot be read");
    if (records_of) name_in(parts_.fold, records_of);
    records_named_ = static_cast<bool>(records_of);
  }
  const LogRule::Point snapshot = restore_snapshot(records_at);
  parts_.products.load(must(parts_.fold.products(), "the records cannot be read"));
  const auto read = follow_to_end(parts_.log, sequencer_, [&](const CountedEvents& events) {
    sequencer_.forget(parts_.projector.place());  // What the records have needs no memory.
    if (events->back().place <= records_at) return;
    if (!may_fold(sequencer_.end().point.log, records_of)) return;  // Refused below.
    // Records that are made anew from a long log: as far behind as ever, no further.
    while (events->back().place - parts_.projector.place() > settings_.fold_lag_max)
      std::this_thread::sleep_for(Millis(5));
    parts_.products.follow(*events, sequencer_.state());
    parts_.overlay.publish(events);
    parts_.projector.push(events);
  });
  must(Result<int>(read ? Result<int>(0) : fail(read.error())), "the event log cannot be read");
  const LogEnd& end = sequencer_.end();
  expect_records_of(end.point.log, records_of);
  if (records_at > end.point.last)
    refuse_lost_end(end.point.last, "the records know", records_at,
                    parts_.fold.beyond(end.point.last).value_or(std::vector<OrderId>{}));
  LogRule::Point shown = end.point;
  shown.log = id_of_next_term(shown.log, records_of);
  if (knows_more(snapshot, shown, settings_.new_log))
    refuse_lost_end(end.point.last, "the snapshot (gate.snapshot) knows", snapshot.last,
                    lost_orders_of_snapshot());
  records_of_ = records_of;
  place_.store(end.point.last);
  sign_of_life_ = sequencer_.last_sign_of_life();
  parts_.products.show_stock(sequencer_.state());
}

/// Before anything is pushed: from then on the records belong to the projector's thread.
void LogGate::name_records() {
  if (!std::exchange(records_named_, true)) name_in(parts_.fold, sequencer_.end().point.log);
}

void LogGate::try_to_write(Instant now) {
  next_try_ = now + settings_.reopen_after;
  note_unable(now);
  const auto before = sequencer_.end().point.term;
  const auto read = follow_to_end(parts_.log, sequencer_, [this](const CountedEvents& events) {
    watch_.heard(parts_.clock.now());
    name_records();
    show(events);
  });
  if (sequencer_.end().point.term != before) note_opened(parts_.clock.now());
  if (!read) {
    say_again_rarely(fmt::format("the event log cannot be read yet: {}", read.error().detail));
    log_away_.store(true, std::memory_order_relaxed);
    last_failure_ = Error(Code::recovering, "the event log is being read again; nothing happened");
    return;
  }
  if (const auto same = holds_what_was_followed(parts_.log, sequencer_); !same) {
    if (same.error().code == Code::internal) return lose_log(same.error());
    return;
  }
  const Instant sign_of_life = last_alive();
  if (parts_.shared && !watch_.should_open(now)) {  // What was read now is a sign of life.
    parts_.products.set_recovering(false);
    return;
  }
  if (!has_right_clock(now)) return;
  const LogId known = sequencer_.end().point.log;
  const LogId made = settings_.new_log ? settings_.new_log : LogId{parts_.random(), parts_.random(), 0};
  term_ = parts_.random();
  const auto begun =
      begin_term(parts_.log, sequencer_, term_, id_of_next_term(known ? known : made, records_of_), now,
                 remote_ ? remote_->address() : "");
  if (!begun) {
    say_again_rarely(fmt::format("the event log cannot be written: {}", begun.error().detail));
    const bool full = begun.error().code == Code::insufficient_storage;
    last_failure_ =
        full ? begun.error() : Error(Code::recovering, "the event log is being read again; nothing happened");
    parts_.products.set_recovering(!full);
    return;
  }
  if (parts_.shared) watch_.opened(now);
  note_heard(now);
  note_term();
  if (remote_) remote_->writes(term_, sequencer_.end().point.last);
  name_records();
  unable_since_.store(0, std::memory_order_relaxed);
  writes_.store(true, std::memory_order_release);
  parts_.products.show_stock(sequencer_.state());
  parts_.products.set_recovering(false);
  if (copy_) {  // Its sequencer was taken back below it.
    snapshot_writer_.abandon();
    sequencer_.on_settled({});
    copy_.reset();
  }
  if (grant_grace(sign_of_life, now)) sign_of_life_ = {};
}

/// Nothing marks an idle log of our own as alive: a pause behind the start's began when it could not be
/// written.
Instant LogGate::last_alive() const {
  if (parts_.shared) return sequencer_.last_sign_of_life();
  if (sign_of_life_ != Instant{}) return sign_of_life_;
  return Instant(Millis(unable_since_.load(std::memory_order_relaxed)));
}

/// Each try meets the same trouble, five times a second.
void LogGate::say_again_rarely(const std::string& trouble) {
  if (said_.allows(trouble, parts_.clock.now())) spdlog::error("{}", trouble);
}

/// False: it could not be logged, and is still owed.
bool LogGate::grant_grace(Instant sign_of_life, Instant now) {
  if (sign_of_life == Instant{}) return true;
  const Millis grace = std::min(settings_.restart_grace, std::max(Millis(0), now - sign_of_life));
  const auto due = sequencer_.next_deadline();
  if (grace == Millis(0) || !due || *due >= now + grace) return true;
  Command command = GrantGrace{now + grace};
  sequencer_.decide(command, {}, now);
  const auto committed = commit({});
  if (!committed) spdlog::error("the grace after a pause could not be logged: {}", committed.error().detail);
  return committed.has_value();
}

std::vector<OpenPaymentFound> LogGate::open_payments() const {
  std::vector<OpenPaymentFound> open;
  sequencer_.state().orders.for_each_attempted([&](const OpenOrder& order, AttemptId attempt) {
    const bool refund = order.payment == PaymentState::refunding;
    if (refund || order.payment == PaymentState::pending)
      open.push_back({order.id, order.user, attempt, refund});
  });
  return open;
}

}  // namespace market::sale
