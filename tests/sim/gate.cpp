#include "tests/sim/gate.hpp"

#include <algorithm>

namespace market::sim {
namespace {

constexpr std::size_t batch_size = 32;
constexpr std::size_t queue_size = 64;
constexpr Position fold_lag = 300;
constexpr int look_ups = 8;
constexpr Millis reopen_after{20};
constexpr Millis forget_after{50};

}  // namespace

template <class Action>
void SimGate::after(Millis delay, Action action) {
  world_.scheduler.after(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_ && up_) action();
  });
}

void SimGate::wake(Millis in) {
  const Instant at = world_.now() + std::max(in, Millis(0));
  if (committing_ || next_wake_ <= at) return;
  next_wake_ = at;
  after(at - world_.now(), [this, at] {
    if (next_wake_ == at) next_wake_ = Instant::max();
    if (!committing_) process();
  });
}

void SimGate::submit(RequestPtr request) {
  if (!up_) return;
  request->missing = Request::Missing::nothing;
  if (queue_.size() >= queue_size) {
    request->answer = fail(Code::overloaded, "too many orders are waiting");
    answer(request);
    return;
  }
  request->arrival = ++arrivals_;
  if (world_.bug == Bug::fifo_broken_by_retry && request->tries > 1)
    queue_.push_front(std::move(request));
  else
    queue_.push_back(std::move(request));
  wake(Millis(0));
}

OrderPtr SimGate::read(UserId user, OrderId id) const {
  if (const auto newer = overlay_->find(user, id); newer.order) return newer.order;
  const auto recorded = const_cast<World&>(world_).records.load(id);
  return recorded && *recorded && (*recorded)->user == user ? *recorded : nullptr;
}

// ---- The writer ----

void SimGate::process() {
  if (log_failed_ && world_.now() >= next_try_) recover_after_failure();
  take_batch();
  if (log_failed_) {
    refuse_batch(Code::recovering);
    wake(next_try_ - world_.now());
    return;
  }
  if (disk_full_ && world_.now() < next_try_) {
    refuse_batch(Code::insufficient_storage);
    wake(next_try_ - world_.now());
    return;
  }
  if (world_.bug == Bug::decide_on_stale_state) stale_ = state_;
  expire_due();
  for (const RequestPtr& request : batch_) decide_request(*request);
  act_on_late_expiries();
  commit();
}

void SimGate::take_batch() {
  while (!queue_.empty() && batch_.size() < batch_size) {
    batch_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

Request::Missing SimGate::admit_what_it_needs(const Request& request) {
  const bool old_enough = world_.bug == Bug::old_look_up_trusted && request.as_of >= 0;
  const bool too_old = request.as_of < forgotten_through_ && !old_enough;
  const auto admit = [&](bool with_key) {
    const OrderPtr order = state_.orders.try_emplace(request.recorded->id, request.recorded).first->second;
    if (with_key) state_.keys[order->key] = KeyBinding{order->id, order->body_fingerprint};
    remembered_.push_back(Remembered{sale::ChangedOrder{order, request.as_of}, world_.now()});
  };
  if (const auto* place = std::get_if<PlaceOrder>(&request.command)) {
    if (!place->key || state_.keys.contains(place->key) || !keys_->may_contain(place->key))
      return Request::Missing::nothing;
    if (world_.bug == Bug::forgotten_key_not_looked_up) return Request::Missing::nothing;
    if (too_old) return Request::Missing::key;
    if (request.recorded) admit(true);
    return Request::Missing::nothing;
  }
  const OrderId order = order_of(request.command);
  if (!order || state_.orders.contains(order)) return Request::Missing::nothing;
  if (too_old) return Request::Missing::order;
  if (request.recorded) admit(false);
  return Request::Missing::nothing;
}

void SimGate::decide_request(Request& request) {
  request.missing = admit_what_it_needs(request);
  if (request.missing != Request::Missing::nothing) return;
  if (std::holds_alternative<PlaceOrder>(request.command) && shown_through_ - records_at_ > fold_lag) {
    request.answer = fail(Code::overloaded, "the records are too far behind the log");
    return;
  }
  settle(request, world_.bug == Bug::none ? decide_one(request) : decide_with_bug(request));
}

Decision SimGate::decide_one(const Request& request) {
  return decide(state_, request.command, world_.now());
}

Decision SimGate::decide_with_bug(const Request& request) {
  const auto* place = std::get_if<PlaceOrder>(&request.command);
  if (world_.bug == Bug::decide_on_stale_state && place) return decide(stale_, request.command, world_.now());
  if (world_.bug == Bug::limit_per_instance && place) {
    auto& instance = instance_buyers_[place->order.value % 2];
    SaleState seen = state_;
    for (auto& [id, product] : seen.products) product.buyers = instance[id];
    Decision decision = decide(seen, request.command, world_.now());
    if (std::holds_alternative<Event>(decision))
      for (const WantedLine& line : place->lines) instance[line.product][place->user] += line.quantity;
    return decision;
  }
  if (const auto* cancel = std::get_if<CancelOrder>(&request.command);
      cancel && world_.bug == Bug::compensation_not_idempotent) {
    const auto order = state_.orders.find(cancel->order);
    if (order != state_.orders.end() && order->second->state == OrderState::cancelled) {
      Units units;
      for (const OrderLine& line : order->second->lines)
        units.push_back(MovedUnits{line.product, line.quantity});
      return Event{world_.now(), state_.epoch, OrderCancelled{cancel->order, cancel->user, units}};
    }
  }
  return decide_one(request);
}

void SimGate::settle(Request& request, Decision decision) {
  Submitted submitted;
  if (auto* event = std::get_if<Event>(&decision)) {
    submitted.order = apply_event(std::move(*event));
  } else if (const auto* replayed = std::get_if<Replayed>(&decision)) {
    const auto known = state_.orders.find(replayed->order);
    if (known == state_.orders.end()) {  // The order was forgotten before its key.
      state_.keys.erase(std::get<PlaceOrder>(request.command).key);
      request.missing = Request::Missing::key;
      return;
    }
    submitted = Submitted{known->second, true, false, std::nullopt};
  } else if (auto* error = std::get_if<Error>(&decision)) {
    request.answer = fail(std::move(*error));
    return;
  } else {
    submitted.changed = false;
    const auto known = state_.orders.find(order_of(request.command));
    if (known != state_.orders.end()) submitted.order = known->second;
  }
  request.answer = std::move(submitted);
}

OrderPtr SimGate::apply_event(Event event) {
  events_.push_back(std::move(event));
  OrderPtr order = apply(state_, events_.back());
  changed_.push_back(order);
  const auto* accepted = std::get_if<OrderAccepted>(&events_.back().fact);
  if (order && accepted) deadlines_.push(Deadline{order->pay_by, order->id});
  if (order && accepted && world_.bug == Bug::dedup_after_effect) state_.keys.erase(order->key);
  return order;
}

void SimGate::expire_due() {
  const bool by_wall = world_.bug == Bug::hold_timer_on_wall_clock;
  const Instant now = by_wall ? world_.now() + world_.wall_offset : world_.now();
  for (std::size_t done = 0; done < batch_size && !deadlines_.empty(); ++done) {
    const Deadline due = deadlines_.top();
    if (due.at > now) return;
    deadlines_.pop();
    auto decision = decide(state_, ExpireOrder{due.order, attempt_bound}, now);
    if (auto* event = std::get_if<Event>(&decision)) {
      event->at = world_.now();
      if (world_.bug == Bug::expire_races_confirm)
        late_expiries_.push_back(std::move(*event));
      else
        apply_event(std::move(*event));
      continue;
    }
    const auto order = state_.orders.find(due.order);
    if (order == state_.orders.end() || order->second->state != OrderState::accepted) continue;
    const Instant attempt_end = order->second->pay_by + attempt_bound;
    const Instant later =
        std::max(state_.grace_until, order->second->payment == PaymentState::pending ? attempt_end : now);
    deadlines_.push(Deadline{std::max(later, now + Millis(100)), due.order});
  }
}

void SimGate::act_on_late_expiries() {
  for (Event& event : late_expiries_) apply_event(std::move(event));
  late_expiries_.clear();
}

// ---- Commit ----

void SimGate::commit() {
  if (events_.empty()) {
    commit_ended({});
    return;
  }
  const Faults& faults = world_.faults;
  world_.journal.write(events_);
  committing_ = true;
  Result<> outcome;
  if (world_.random.chance(faults.disk_full))
    outcome = fail(Code::insufficient_storage, "the disk is full; nothing was written");
  else if (world_.random.chance(faults.sync_in_doubt))
    outcome = fail(Code::unavailable, "whether the change is stored is not known yet");
  const bool slow = world_.random.chance(faults.sync_slow);
  if (world_.bug == Bug::acknowledge_before_sync) answer_batch();
  if (world_.bug == Bug::refuse_before_sync) {
    for (RequestPtr& request : batch_)
      if (request->missing == Request::Missing::nothing && !request->answer)
        answer(std::exchange(request, {}));
    std::erase(batch_, nullptr);
  }
  after(Millis(slow ? world_.random.between(50, 2'000) : world_.random.between(1, 6)),
        [this, outcome] { commit_ended(outcome); });
}

void SimGate::commit_ended(Result<> outcome) {
  committing_ = false;
  if (!events_.empty() && outcome) {
    world_.journal.sync();
    disk_full_ = false;
    show_committed();
  }
  if (!outcome) {
    if (outcome.error().code == Code::insufficient_storage)
      world_.journal.take_back();
    else
      world_.journal.doubt();
    fail_log(outcome.error().code == Code::insufficient_storage);
  }
  events_.clear();
  changed_.clear();
  if (outcome)
    answer_batch();
  else
    refuse_batch(outcome.error().code);
  if (!log_failed_) forget_recorded();
  if (log_failed_ || !queue_.empty()) wake(Millis(0));
  if (!deadlines_.empty()) {
    const Millis wrong = world_.bug == Bug::hold_timer_on_wall_clock ? world_.wall_offset : Millis(0);
    wake(deadlines_.top().at - world_.now() - wrong);
  }
}

void SimGate::show_committed() {
  const Position last = *world_.journal.end();
  Position at = last - static_cast<Position>(events_.size());
  std::vector<sale::ChangedOrder> changes;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    ++at;
    checker_.committed(at, events_[i]);
    if (changed_[i]) changes.push_back(sale::ChangedOrder{changed_[i], at});
    const auto* fact = std::get_if<OrderAccepted>(&events_[i].fact);
    if (fact && fact->order.key) keys_->add(fact->order.key, world_.now());
    if (fact && world_.bug == Bug::dedup_after_effect && fact->order.key)
      state_.keys[fact->order.key] = KeyBinding{fact->order.id, fact->order.body_fingerprint};
  }
  checker_.compare_stock(state_);
  show_changes(std::move(changes), last);
}

void SimGate::show_changes(std::vector<sale::ChangedOrder> changes, Position through) {
  for (const auto& change : changes) remembered_.push_back(Remembered{change, world_.now()});
  overlay_->publish(changes);
  unfolded_.push_back(Unfolded{std::move(changes), through});
  fold_later();
  shown_through_ = through;
}

void SimGate::answer_batch() {
  for (RequestPtr& request : std::exchange(batch_, {})) {
    if (request->missing == Request::Missing::nothing)
      answer(request);
    else
      look_up(std::move(request));
  }
}

void SimGate::answer(const RequestPtr& request) {
  checker_.answered(*request);
  request->done(request->answer);
}

void SimGate::refuse_batch(Code code) {
  for (const RequestPtr& request : std::exchange(batch_, {})) {
    request->answer = fail(code, "the log failed");
    answer(request);
  }
}

void SimGate::fail_log(bool disk_full) {
  log_failed_ = true;
  disk_full_ = disk_full;
  next_try_ = world_.now();
}

// ---- What the records have ----

void SimGate::look_up(RequestPtr request) {
  ++looking_up_;
  // Reading and handing in are apart: what was read may be old by then.
  after(Millis(world_.random.between(0, 3)), [this, request] {
    const bool away = world_.records.away || request->look_ups++ >= look_ups;
    if (request->missing == Request::Missing::order) {
      request->recorded = *world_.records.load(order_of(request->command));
    } else {
      const auto& place = std::get<PlaceOrder>(request->command);
      request->recorded = world_.records.find_by_key(place.user, place.key);
    }
    request->as_of = *world_.records.position();
    after(Millis(world_.random.between(0, 40)), [this, request, away] {
      --looking_up_;
      if (!away) {
        submit(request);
        return;
      }
      request->answer = fail(Code::overloaded, "the records are too busy to look this order up");
      answer(request);
    });
  });
}

void SimGate::forget_recorded() {
  while (!remembered_.empty()) {
    const Remembered& oldest = remembered_.front();
    if (oldest.change.position > records_at_ || world_.now() - oldest.at < forget_after) return;
    const OrderPtr& order = oldest.change.order;
    if (order->key) state_.keys.erase(order->key);
    const auto known = state_.orders.find(order->id);
    if (known != state_.orders.end() && known->second == order && !order->has_open_work())
      state_.orders.erase(known);
    forgotten_through_ = std::max(forgotten_through_, oldest.change.position);
    remembered_.pop_front();
  }
}

void SimGate::fold_later() {
  if (std::exchange(folding_, true)) return;
  after(Millis(world_.random.between(1, 60)), [this] {
    folding_ = false;
    fold();
    if (!unfolded_.empty()) fold_later();
  });
}

void SimGate::fold() {
  if (unfolded_.empty()) return;
  std::vector<sale::ChangedOrder> changes;
  const auto taken =
      static_cast<std::size_t>(world_.random.between(1, static_cast<std::int64_t>(unfolded_.size())));
  for (std::size_t i = 0; i < taken; ++i)
    changes.insert(changes.end(), unfolded_[i].changes.begin(), unfolded_[i].changes.end());
  std::map<OrderId, OrderPtr> newest;
  for (const auto& change : changes) newest[change.order->id] = change.order;
  std::vector<OrderPtr> orders;
  for (const auto& entry : newest) orders.push_back(entry.second);
  if (world_.bug == Bug::lost_fold && world_.random.chance(0.05)) orders.clear();
  if (!world_.records.store(orders, unfolded_[taken - 1].through)) return;
  records_at_ = unfolded_[taken - 1].through;
  unfolded_.erase(unfolded_.begin(), unfolded_.begin() + static_cast<std::ptrdiff_t>(taken));
  overlay_->forget(changes);
}

}  // namespace market::sim
