#include "sale/sale_gate.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

#include "base/check.hpp"
#include "sale/sale_gate_pending.hpp"

namespace market::sale {
namespace {

/// The product that a command or a fact is about; none for those about orders.
template <class Variant>
ProductId product_of(const Variant& one) {
  return std::visit(
      [](const auto& which) {
        if constexpr (requires { which.product; })
          return which.product;
        else
          return ProductId{};
      },
      one);
}

}  // namespace

MemorySaleGate::MemorySaleGate(GateParts parts, GateSettings settings) : parts_(parts), settings_(settings) {
  const auto end = parts_.log.end();
  if (!end) throw std::runtime_error(fmt::format("the event log cannot be read: {}", end.error().detail));
  const Position records_at = parts_.folder.position();
  if (records_at > *end)
    throw std::runtime_error(
        fmt::format("the records are ahead of the log ({} > {}): this log is older; restore a backup or run "
                    "'market rebuild'",
                    records_at, *end));
  shown_through_ = records_at;
  const RecoverFrom from{parts_.log, parts_.snapshots, parts_.fold, records_at, *end};
  auto hold = parts_.folder.hold();
  auto recovered = recover(from, parts_.keys);
  hold.unlock();
  if (!recovered)
    throw std::runtime_error(fmt::format("the event log cannot be folded: {}", recovered.error().detail));
  last_event_at_ = recovered->last_event_at;
  snapshot_at_ = recovered->snapshot_at;
  const Instant now = parts_.clock.now();
  if (const auto behind = std::chrono::round<std::chrono::seconds>(last_event_at_ - now); behind.count() > 0)
    spdlog::error("the wall clock is {} s behind the log: unpaid orders keep their units for so much longer",
                  behind.count());
  take_over(std::move(*recovered), now);
}

void MemorySaleGate::start() {
  thread_ = std::thread([this] { run(); });
}

void MemorySaleGate::stop() {
  stopping_.store(true);
  { const std::scoped_lock lock(sleep_mutex_); }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void MemorySaleGate::run() {
  grant_grace(last_event_at_);
  report_open_payments();
  Batch batch;
  while (true) {
    take_queue(batch);
    const Instant now = parts_.clock.now();
    if (batch.empty() && stopping_.load()) return;
    if (log_failed_ && now >= next_try_) recover_after_failure(now);
    if (log_failed_) {
      refuse_all(batch, Error(Code::recovering, "the event log is being reopened; nothing happened"));
    } else if (disk_full_ && now < next_try_) {
      refuse_all(batch, Error(Code::insufficient_storage, "the disk is full; nothing happened"));
    } else {
      std::size_t done = 0;
      do {
        const std::size_t size = std::min(settings_.batch_max, batch.size() - done);
        process(std::span(batch).subspan(done, size), now);
        done += size;
      } while (done < batch.size());
      forget_recorded(now);
    }
    batch.clear();
  }
}

void MemorySaleGate::process(std::span<Pending* const> batch, Instant now) {
  if (log_failed_) {  // An earlier part of the same queue has failed.
    refuse_all(batch, Error(Code::recovering, "the event log is being reopened; nothing happened"));
    return;
  }
  expire_due(now);
  for (Pending* pending : batch) decide_pending(*pending, now);
  const auto committed = commit(now);
  if (committed)
    resume(batch);
  else
    refuse_all(batch, committed.error());  // RefusalCounts too: they may rest on what was not written.
}

MemorySaleGate::Missing MemorySaleGate::admit_what_it_needs(Pending& pending, Instant now) {
  if (const auto* place = std::get_if<PlaceOrder>(&pending.command)) {
    if (!place->key || state_.keys.contains(place->key) || !parts_.keys.may_contain(place->key))
      return Missing::nothing;
    if (pending.as_of < forgotten_through_) return Missing::key;
    if (pending.recorded) admit(pending, true, now);
    return Missing::nothing;
  }
  const OrderId order = order_of(pending.command);
  if (!order || state_.orders.contains(order)) return Missing::nothing;
  if (pending.as_of < forgotten_through_) return Missing::order;
  if (pending.recorded) admit(pending, false, now);
  return Missing::nothing;
}

void MemorySaleGate::admit(const Pending& pending, bool with_key, Instant now) {
  const OrderPtr order = state_.orders.try_emplace(pending.recorded->id, pending.recorded).first->second;
  if (with_key) state_.keys[order->key] = KeyBinding{order->id, order->body_fingerprint};
  remembered_.push_back(Remembered{ChangedOrder{order, pending.as_of}, now});
}

void MemorySaleGate::decide_pending(Pending& pending, Instant now) {
  pending.missing = admit_what_it_needs(pending, now);
  if (pending.missing != Missing::nothing) return;
  if (std::holds_alternative<PlaceOrder>(pending.command) && too_far_ahead()) {
    pending.answer = fail(Code::overloaded, "the records are too far behind the log");
    return;
  }
  settle(pending, decide(state_, pending.command, now));
}

void MemorySaleGate::settle(Pending& pending, Decision decision) {
  Submitted submitted;
  if (auto* event = std::get_if<Event>(&decision)) {
    submitted.order = apply_event(std::move(*event));
  } else if (const auto* replayed = std::get_if<Replayed>(&decision)) {
    const auto known = state_.orders.find(replayed->order);
    if (known == state_.orders.end()) {  // The order was forgotten before its key: look both up again.
      state_.keys.erase(std::get<PlaceOrder>(pending.command).key);
      pending.missing = Missing::key;
      return;
    }
    submitted.order = known->second;
    submitted.replayed = true;
    submitted.changed = false;
  } else if (auto* error = std::get_if<Error>(&decision)) {
    pending.answer = fail(std::move(*error));
    return;
  } else {
    submitted.changed = false;
    const auto known = state_.orders.find(order_of(pending.command));
    if (known != state_.orders.end()) submitted.order = known->second;
  }
  if (const ProductId product = product_of(pending.command))
    submitted.stock = state_.products.at(product).stock;
  pending.answer = std::move(submitted);
}

OrderPtr MemorySaleGate::apply_event(Event event) {
  events_.push_back(std::move(event));
  const Event& applied = events_.back();
  OrderPtr order = apply(state_, applied);
  check(order || !order_of(applied), "apply() refused what decide() allowed");
  changed_.push_back(order);
  if (const ProductId product = product_of(applied.fact)) touched_products_.push_back(product);
  if (order) {
    for (const OrderLine& line : order->lines) touched_products_.push_back(line.product);
    if (std::holds_alternative<OrderAccepted>(applied.fact))
      deadlines_.push(Deadline{order->pay_by, order->id});
  }
  return order;
}

void MemorySaleGate::expire_due(Instant now) {
  for (std::size_t done = 0; done < settings_.batch_max && !deadlines_.empty(); ++done) {
    const Deadline due = deadlines_.top();
    if (due.at > now) return;
    deadlines_.pop();
    auto decision = decide(state_, ExpireOrder{due.order, settings_.attempt_bound}, now);
    if (auto* event = std::get_if<Event>(&decision)) {
      apply_event(std::move(*event));
      continue;
    }
    const auto order = state_.orders.find(due.order);
    if (order == state_.orders.end() || order->second->state != OrderState::accepted) continue;
    // Put off by the grace after a downtime, or by an open attempt to pay.
    const Instant attempt_end = order->second->pay_by + settings_.attempt_bound;
    const Instant later =
        std::max(state_.grace_until, order->second->payment == PaymentState::pending ? attempt_end : now);
    deadlines_.push(Deadline{std::max(later, now + Millis(100)), due.order});
  }
}

Result<> MemorySaleGate::commit(Instant now) {
  if (events_.empty()) return {};
  const auto last = parts_.log.append(events_);
  if (last) {
    show_committed(*last, now);
    disk_full_ = false;
  } else {
    spdlog::error("a commit of {} events failed: {}", events_.size(), last.error().detail);
    counters_.failed_commits.fetch_add(1, std::memory_order_relaxed);
    // The state holds events that are not (or perhaps not) in the log: fold it anew before the next answer.
    parts_.live.set_recovering(true);
    log_failed_ = true;
    disk_full_ = last.error().code == Code::insufficient_storage;
    next_try_ = now;
  }
  events_.clear();
  changed_.clear();
  touched_products_.clear();
  if (!last) return fail(last.error());
  return {};
}

void MemorySaleGate::show_committed(Position last, Instant now) {
  std::vector<ChangedOrder> changes;
  changes.reserve(changed_.size());
  Position at = last - static_cast<Position>(events_.size());
  std::uint64_t accepted = 0, voided = 0;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    ++at;
    accepted += std::holds_alternative<OrderAccepted>(events_[i].fact);
    voided += std::holds_alternative<OrderVoided>(events_[i].fact);
    if (changed_[i]) changes.push_back(ChangedOrder{std::move(changed_[i]), at});
    if (const auto* fact = std::get_if<OrderAccepted>(&events_[i].fact); fact && fact->order.key)
      parts_.keys.add(fact->order.key, now);
  }
  counters_.accepted.fetch_add(accepted, std::memory_order_relaxed);
  counters_.voided.fetch_add(voided, std::memory_order_relaxed);
  counters_.commits.fetch_add(1, std::memory_order_relaxed);
  counters_.events.fetch_add(events_.size(), std::memory_order_relaxed);
  counters_.oversell_prevented.store(static_cast<std::uint64_t>(state_.oversell_prevented),
                                     std::memory_order_relaxed);
  std::sort(touched_products_.begin(), touched_products_.end());
  touched_products_.erase(std::unique(touched_products_.begin(), touched_products_.end()),
                          touched_products_.end());
  parts_.live.publish(state_, touched_products_);
  show_changes(std::move(changes), last, now);
}

void MemorySaleGate::show_changes(std::vector<ChangedOrder> changes, Position through, Instant now) {
  for (const ChangedOrder& change : changes) remembered_.push_back(Remembered{change, now});
  parts_.overlay.publish(changes);
  parts_.folder.push(std::move(changes), through);
  shown_through_ = through;
  position_.store(through, std::memory_order_release);
}

void MemorySaleGate::forget_recorded(Instant now) {
  const Position recorded = parts_.folder.position();
  while (!remembered_.empty()) {
    const Remembered& oldest = remembered_.front();
    if (oldest.change.position > recorded || now - oldest.at < settings_.forget_after) return;
    const OrderPtr& order = oldest.change.order;
    if (order->key) state_.keys.erase(order->key);
    const auto known = state_.orders.find(order->id);
    if (known != state_.orders.end() && known->second == order && !order->has_open_work())
      state_.orders.erase(known);
    forgotten_through_ = std::max(forgotten_through_, oldest.change.position);
    remembered_.pop_front();
  }
}

bool MemorySaleGate::too_far_ahead() const {
  return shown_through_ - parts_.folder.position() > settings_.fold_lag_max;
}

}  // namespace market::sale
