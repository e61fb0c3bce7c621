#include "sale/gate.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/memory.hpp"
#include "base/thread_name.hpp"
#include "sale/gate_pending.hpp"

namespace market::sale {
namespace {

constexpr Place memory_given_back_every = 100'000;  ///< Events.

}  // namespace

void LogGate::start() {
  if (place() > 0)
    spdlog::info("the log was read from place {} to {}{}", started_from_ + 1, place(),
                 started_from_ > 0 ? ", behind the snapshot" : "");
  if (remote_) remote_->start();
  thread_ = std::thread([this] { run(); });
  flight_watch_ = std::thread([this] { watch_appends(); });
}

void LogGate::stop() {
  if (remote_) remote_->close_desk();  // Those of others are decided, or go elsewhere.
  stopping_.store(true);
  { const std::scoped_lock lock(sleep_mutex_); }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  {
    const std::scoped_lock lock(flight_mutex_);
    watching_ = false;
  }
  watch_wake_.notify_one();
  if (flight_watch_.joinable()) flight_watch_.join();
  if (remote_) remote_->stop();
  snapshot_writer_.stop();
}

void LogGate::run() {
  name_thread("writer");
  Batch batch;
  while (true) {
    take_queue(batch);
    const Instant now = parts_.clock.now();
    if (batch.empty() && stopping_.load()) return leave();
    if (parts_.shared) {
      follow_others(now);
      followed_.store(sequencer_.end().next, std::memory_order_release);
    }
    if (!writes_.load(std::memory_order_relaxed) && should_try_to_write(now)) {
      begin_flight(batch, now);
      try_to_write(now);
      if (end_flight()) batch.clear();
    }
    if (parts_.shared) watch_clock(now);
    process(batch, now);
    if (parts_.shared) give_sign_of_life(now);
    if (remote_) remote_->tick();
    followed_.store(sequencer_.end().next, std::memory_order_release);
    sequencer_.forget(parts_.projector.place());
    snapshot_if_due();
    if (batch.empty()) give_memory_back();
    batch.clear();
  }
}

/// Groups begin on this thread and end on the projector's, a snapshot's pieces on its writer's: without this
/// the allocator keeps what a rush took.
void LogGate::give_memory_back() {
  const Place last = sequencer_.end().point.last;
  if (last - memory_given_back_at_ < memory_given_back_every || parts_.projector.place() < last) return;
  if (!snapshot_writer_.idle()) return;
  memory_given_back_at_ = last;
  return_free_memory();
}

void LogGate::process(std::span<Pending* const> batch, Instant now) {
  std::size_t done = 0;
  do {
    if (!writes_.load(std::memory_order_relaxed)) {
      if (remote_) return hand_on(batch.subspan(done), false);
      return refuse_or_replay(batch.subspan(done));
    }
    sequencer_.expire_due(now);
    const std::size_t decided = done;
    decide_some(batch, done, now);
    // Refusals wait for the group too: they may rest on what is not written yet.
    const auto part = batch.subspan(decided, done - decided);
    // On a shared log nobody is refused by a state that another writer has left behind.
    if (parts_.shared && !part.empty() && !sequencer_.has_group()) sequencer_.barrier(now);
    begin_flight(batch.subspan(decided), now);
    const auto committed = commit(part);
    if (committed && !part.empty()) settings_.failpoint.reach(Failpoint::At::count);
    if (end_flight()) return;  // All that was left of the batch was answered meanwhile.
    if (committed)
      resume(part);
    else if (remote_ && committed.error().code != Code::insufficient_storage)
      hand_on(part, true);
    else
      refuse_all(part, committed.error());
    if (remote_) remote_->release_own();
  } while (done < batch.size());
}

/// Decides on from batch[done], until the group is full or all is decided.
void LogGate::decide_some(std::span<Pending* const> batch, std::size_t& done, Instant now) {
  constexpr std::size_t ahead = 32;
  std::size_t read = done;
  const auto began = std::chrono::steady_clock::now();
  for (; done < batch.size(); ++done) {
    if (done == read)
      for (; read < std::min(done + ahead, batch.size()); ++read) sequencer_.read_ahead(batch[read]->command);
    if (!decide(*batch[done], now)) return;
    counters_.queue_times.add(began - batch[done]->pushed);
  }
}

/// False: the group is full, and must be sent first.
bool LogGate::decide(Pending& pending, Instant now) {
  if (std::holds_alternative<PlaceOrder>(pending.command.body) && too_far_ahead()) {
    pending.missing = Sequencer::Missing::nothing;
    pending.answer = fail(Code::overloaded, "the records are too far behind the log");
    return true;
  }
  if (pending.only_in != 0 && pending.only_in != term_) {
    pending.missing = Sequencer::Missing::nothing;
    pending.answer = fail(Code::recovering, "this term is over; nothing happened");
    return true;
  }
  if (remote_ && pending.only_in == 0) pending.command.id = remote_->next_own();
  auto outcome = sequencer_.decide(pending.command, pending.looked_up, now);
  if (outcome.full) return false;
  settle(pending, std::move(outcome));
  return true;
}

void LogGate::settle(Pending& pending, Sequencer::Outcome outcome) {
  pending.missing = outcome.missing;
  pending.event = outcome.event;
  if (outcome.missing == Sequencer::Missing::key) pending.buyer = UserId{outcome.subject};
  if (outcome.missing != Sequencer::Missing::nothing) return;
  if (outcome.refused) {
    pending.answer = fail(std::move(*outcome.refused));
    return;
  }
  Submitted submitted;
  submitted.subject = outcome.subject;
  submitted.replayed = outcome.replayed;
  if (is_about_product(pending.command))
    if (const SaleProduct* product = sequencer_.state().product(submitted.product()))
      submitted.stock = product->stock;
  pending.answer = std::move(submitted);
}

Result<> LogGate::commit(std::span<Pending* const> decided) {
  if (!sequencer_.has_group()) return {};
  const auto began = std::chrono::steady_clock::now();
  const auto offset = parts_.log.append(sequencer_.seal());
  counters_.commit_times.add(std::chrono::steady_clock::now() - began);
  if (!decided.empty()) settings_.failpoint.reach(Failpoint::At::append);
  if (end_flight()) decided = {};
  if (offset && *offset == sequencer_.end().next) {
    const CountedEvents events = sequencer_.counted(*offset);
    answer_events(decided, events);
    watch_.heard(parts_.clock.now());
    note_heard(parts_.clock.now());
    show(events);
    return {};
  }
  if (offset && parts_.shared) {
    const auto ours = read_back(*offset);
    if (ours && *ours) {
      answer_events(decided, *ours);
      show(*ours);
      return {};
    }
  }
  last_failure_ =
      offset ? Error(Code::unavailable, "another writer has appended to the log") : offset.error();
  spdlog::error("a commit failed: {}", last_failure_.detail);
  counters_.failed_commits.fetch_add(1, std::memory_order_relaxed);
  const Error answer = last_failure_.code == Code::insufficient_storage
                           ? last_failure_
                           : Error(Code::unavailable, "whether this happened is not known yet");
  if (last_failure_.code == Code::insufficient_storage)
    sequencer_.abandon();  // Certainly not written.
  else
    last_failure_ = Error(Code::recovering, "the event log is being read again; nothing happened");
  // Whose Open was read back with it writes now, and this instance follows: nothing is to be recovered.
  const bool followed_by_another = parts_.shared && !sequencer_.writes(term_);
  parts_.products.set_recovering(last_failure_.code == Code::recovering && !followed_by_another);
  stop_writing();
  note_unable(parts_.clock.now());
  next_try_ = parts_.clock.now();
  if (last_failure_.code == Code::insufficient_storage) next_try_ += settings_.reopen_after;
  return fail(answer);
}

void LogGate::answer_events(std::span<Pending* const> decided, const CountedEvents& events) {
  for (Pending* pending : decided) {
    if (pending->event < 0 || !pending->answer) continue;
    pending->answer->event = {events, &(*events)[static_cast<std::size_t>(pending->event)]};
  }
}

/// To everybody here who follows the log.
void LogGate::show(const CountedEvents& events) {
  std::uint64_t accepted = 0, voided = 0;
  for (const CountedEvent& counted : *events) {
    accepted += std::holds_alternative<OrderAccepted>(counted.event.fact);
    voided += std::holds_alternative<OrderVoided>(counted.event.fact);
  }
  counters_.accepted.fetch_add(accepted, std::memory_order_relaxed);
  counters_.voided.fetch_add(voided, std::memory_order_relaxed);
  counters_.commits.fetch_add(1, std::memory_order_relaxed);
  counters_.events.fetch_add(events->size(), std::memory_order_relaxed);
  const SaleState& state = sequencer_.state();
  counters_.oversell_prevented.store(static_cast<std::uint64_t>(state.numbers.oversell_prevented),
                                     std::memory_order_relaxed);
  counters_.clock_alarms.store(sequencer_.clock_alarms(), std::memory_order_relaxed);
  counters_.open_orders.store(state.orders.size(), std::memory_order_relaxed);
  parts_.products.follow(*events, state);
  parts_.overlay.publish(events);
  parts_.projector.push(events);
  place_.store(events->back().place, std::memory_order_release);  // Followers read the log up to there.
  for (LogFollower* follower : followers_) follower->follow(events);
  if (!remote_) return;
  remote_->counted(events->back().place);
  remote_->followed(events, [&state](ProductId id) { return state.product(id); });
}

bool LogGate::too_far_ahead() const {
  return sequencer_.end().point.last - parts_.projector.place() > settings_.fold_lag_max;
}

void LogGate::snapshot_if_due() {
  using Steady = std::chrono::steady_clock;
  if (!writes_.load(std::memory_order_relaxed) && !parts_.shared) return;
  // What the group in flight has changed may be taken back; and a log that is another one is not followed.
  if (sequencer_.in_flight() || log_lost_) return;
  if (!copy_) {
    // A larger state is copied less often, so that copies cost a part of the orders that they follow.
    const SaleState& state = sequencer_.state();
    const auto rows = static_cast<Place>(state.orders.size() + state.buyers.size() + state.keys.size());
    const Place every = std::max(settings_.snapshot_every, rows / 4);
    if (sequencer_.end().point.last - snapshot_at_ < every) return;
    if (!snapshot_writer_.begin(sequencer_.end().point.last)) return;
    copy_.emplace(sequencer_);
    sequencer_.on_settled([this](const UndoLog& undo) { copy_->overwritten(undo); });
  }
  if (!snapshot_writer_.has_room()) return;
  const auto until = Steady::now() + settings_.snapshot_slice;
  const bool done = copy_->step([until] { return Steady::now() < until; });
  snapshot_writer_.add(copy_->take_bytes());
  if (!done) return;
  snapshot_at_ = copy_->place();
  snapshot_writer_.finish();
  sequencer_.on_settled({});
  copy_.reset();
  memory_given_back_at_ = 0;
}

}  // namespace market::sale
