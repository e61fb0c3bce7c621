#include "sale/sequencer.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

#include "base/check.hpp"

namespace market::sale {
namespace {

constexpr std::size_t event_bytes_max = 64 << 10;  // Of one event: texts of a product are the longest.

constexpr Millis deadline_tick{100};  // Orders that become due within it are looked at together.

std::int64_t tick_of(Instant at) {
  return at.time_since_epoch() / deadline_tick;
}

/// Due when all of its tick is over.
std::int64_t due_tick(Instant at) {
  return tick_of(at) + 1;
}

std::int64_t subject_of(const Command& command) {
  return std::visit(
      [&](const auto& body) {
        if constexpr (requires { body.product; })
          return body.product.value;
        else
          return order_of(command).value;
      },
      command.body);
}

bool is_settlement(const Command& command) {
  return std::holds_alternative<SettlePayment>(command.body);
}

}  // namespace

// ---- Following the log ----

void Sequencer::advance(Offset offset, std::string_view record) {
  end_.point = rule_.at();
  end_.next = offset + 1;
  end_.checksum = wire::record_checksum(record);
}

Result<Sequencer::Followed> Sequencer::follow(Offset offset, std::string_view record) {
  check(making_.empty(), "a group that is being made is sealed before the log is followed");
  Followed followed;
  if (settings_.foreign_bytes_ignored && !wire::is_whole(record)) {
    advance(offset, record);
    return followed;
  }
  auto decoded = wire::decode_record(record);
  if (!decoded) return fail(decoded.error());
  if (const auto* open = std::get_if<wire::Open>(&*decoded)) {
    followed.opened = rule_.judge(*open);
    if (followed.opened) {
      if (in_flight()) take_back();
      last_open_at_ = open->clock;
      writer_address_ = open->address;
    }
    advance(offset, record);
    return followed;
  }
  const auto& group = std::get<wire::Group>(*decoded);
  if (in_flight() && group.head.term == end_.point.term && group.head.first == end_.point.last + 1) {
    if (wire::record_checksum(record) != wire::record_checksum(record_))
      return fail(Code::internal, "other events lie under the place of the group in flight");
    followed.own = true;
    followed.events = counted(offset);
    return followed;
  }
  LogRule judged = rule_;
  if (!judged.judge(group.head)) {
    advance(offset, record);
    return followed;
  }
  auto events = wire::decode_events(group);
  if (!events) return fail(events.error());  // It stands for ever: what comes behind it is not followed.
  rule_ = judged;
  UndoLog overwritten;
  if (settled_hook_) overwritten.begin(state_);
  for (const CountedEvent& each : *events) apply(state_, each.event, settled_hook_ ? &overwritten : nullptr);
  auto shared = std::make_shared<const std::vector<CountedEvent>>(std::move(*events));
  advance(offset, record);
  settle(*shared);
  if (settled_hook_) settled_hook_(overwritten);
  followed.events = std::move(shared);
  return followed;
}

void Sequencer::restore(Memory memory) {
  state_ = std::move(memory.state);
  end_ = memory.end;
  rule_ = LogRule(end_.point);
  forgotten_through_ = memory.forgotten_through;
  last_open_at_ = memory.last_open_at;
  writer_address_ = std::move(memory.writer_address);
  // They come in no order of time, and a walk down the tree for each of 10⁷ takes a second.
  boost::unordered_flat_map<std::int64_t, std::deque<OrderId>*> lists;
  state_.orders.for_each([&](const OpenOrder& order) {
    if (order.state == OrderState::accepted) {
      auto*& list = lists[due_tick(order.pay_by)];
      if (list == nullptr) list = &deadlines_[due_tick(order.pay_by)];
      list->push_back(order.id);
    }
    if (!order.open_work()) closed_.push_back(Closed{order.place, order.id});
  });
  std::sort(closed_.begin(), closed_.end(),
            [](const Closed& a, const Closed& b) { return a.place < b.place; });
  // Their places are not in the snapshot: all of them are at or below its end.
  state_.keys.for_each([this](const RequestKey& key, const KeyBinding& binding) {
    bound_.push_back(Bound{end_.point.last, key, binding.subject});
  });
}

/// What a group that counts leaves behind: only now is anything remembered, or may be forgotten.
void Sequencer::settle(const std::vector<CountedEvent>& events) {
  for (const CountedEvent& counted : events) remember(counted);
}

void Sequencer::remember(const CountedEvent& counted) {
  const Event& event = counted.event;
  if (event.key) {
    keys_.add(event.key, event.at);
    bound_.push_back(Bound{counted.place, event.key, subject_of(event.fact)});
  }
  if (const auto* accepted = std::get_if<OrderAccepted>(&event.fact)) {
    add_deadline(accepted->pay_by, accepted->order);
    return;
  }
  const OrderId id = order_of(event.fact);
  if (!id) return;
  const OpenOrder* order = state_.orders.find(id);
  if (order != nullptr && !order->open_work()) closed_.push_back(Closed{counted.place, id});
}

// ---- Writing ----

std::string Sequencer::open(wire::Term nonce, LogId log, Instant now, std::string instance,
                            std::string address) const {
  wire::Open open;
  open.log = log;
  open.after = end_.point.term;
  open.nonce = nonce;
  open.clock = now;
  open.instance = std::move(instance);
  open.address = std::move(address);
  return wire::encode_open(open);
}

Instant Sequencer::time(Instant own) {
  const Instant last = state_.numbers.last_at;
  if (own >= last) return own;
  if (last - own <= settings_.clock_ahead_max) return last;
  ++clock_alarms_;  // Some clock was wrong: the own one holds.
  return own;
}

Sequencer::Missing Sequencer::missing_for(const Command& command, const LookedUp& looked_up) {
  const bool settles = is_settlement(command);
  // What a key is bound to stays true, and is the answer: no order is looked up for it, whose own answer
  // would be too old by the time that the other one is there.
  if (looked_up.bound && !settles) return Missing::nothing;
  const bool key = command.key && !looked_up.bound && !state_.keys.contains(command.key) &&
                   looked_up.key_as_of < forgotten_through_ && keys_.may_contain(command.key);
  const OrderId order = order_of(command);
  if (key && !settles) return Missing::key;
  if (order && state_.orders.find(order) == nullptr) {
    if (looked_up.order_as_of < forgotten_through_) return Missing::order;
    if (looked_up.order && looked_up.order->id == order) admit(*looked_up.order, looked_up.order_as_of);
  }
  // The order first: its buyer tells whose key it is.
  return key && state_.orders.find(order) != nullptr ? Missing::key : Missing::nothing;
}

/// A closed order that was forgotten, as the records have it. What they know of places that were not followed
/// here (another instance writes, and this one has not heard of it) is no part of this state.
void Sequencer::admit(const Order& order, Place as_of) {
  if (order.place > end_.point.last) return;
  OpenOrder row;
  row.id = order.id;
  row.user = order.user;
  row.pay_by = order.pay_by;
  row.place = order.place;
  row.state = order.state;
  if (order.state == OrderState::delivered && !order.history.empty()) row.pay_by = order.history.back().at;
  row.payment = order.payment;
  OpenLines lines;
  for (const OrderLine& line : order.lines) {
    const std::uint32_t slot = state_.slot_of(line.product);
    if (slot == SaleState::no_product) return;  // Of another log; then there is no such order here.
    lines.push_back(OpenLine{slot, line.quantity});
  }
  state_.orders.put(row, lines, order.attempt);
  closed_.push_back(Closed{as_of, order.id});
}

void Sequencer::make(Event event) {
  if (making_.empty()) {
    writer_.begin(end_.point.term, end_.point.last + 1);
    undo_.begin(state_);
  }
  writer_.add(event);
  const bool applied = apply(state_, event, &undo_);
  check(applied, "apply() refused what decide() allowed");
  making_.push_back(std::move(event));
}

void Sequencer::answer_as_bound(Outcome& outcome, const Command& command, const BoundKey& bound) {
  outcome.replayed = bound.fingerprint == command.fingerprint;
  if (outcome.replayed)
    outcome.subject = bound.subject;
  else
    outcome.refused = Error(Code::idempotency_mismatch, "this Idempotency-Key came with another body before");
}

std::optional<Sequencer::Outcome> Sequencer::replay(const Command& command, const LookedUp& looked_up) {
  if (!command.key || is_settlement(command) || in_flight()) return std::nullopt;
  Outcome outcome;
  outcome.missing = missing_for(command, looked_up);
  if (outcome.missing != Missing::nothing) return outcome;
  if (const KeyBinding* known = state_.keys.find(command.key))
    answer_as_bound(outcome, command, {known->subject, known->fingerprint});
  else if (looked_up.bound)
    answer_as_bound(outcome, command, *looked_up.bound);
  else
    return std::nullopt;
  return outcome;
}

/// What the same command is told that has no other copies: an event says no more of it than its code.
Error Sequencer::refusal_of(const Command& command, Instant now) {
  Command alone = command;
  alone.copy = {};
  Decision decision = market::decide(state_, alone, time(now), settings_.rules);
  return std::move(std::get<Error>(decision));
}

Sequencer::Outcome Sequencer::decide(const Command& command, const LookedUp& looked_up, Instant now) {
  Outcome outcome;
  if (making_.size() >= settings_.group_events_max ||
      writer_.bytes() + event_bytes_max > settings_.group_bytes_max) {
    outcome.full = !making_.empty();
    if (outcome.full) return outcome;
  }
  outcome.missing = missing_for(command, looked_up);
  if (outcome.missing == Missing::key && is_settlement(command))
    outcome.subject = state_.orders.find(order_of(command))->user.value;  // Whose key it is.
  if (outcome.missing != Missing::nothing) return outcome;
  outcome.subject = subject_of(command);
  const bool bound = command.key && looked_up.bound && !state_.keys.contains(command.key);
  if (bound && !is_settlement(command)) {
    answer_as_bound(outcome, command, *looked_up.bound);
    return outcome;
  }
  std::optional<Command> plain;  // Money that has moved is settled; the key stays bound to what it was.
  if (bound) plain.emplace(command).key = {};
  Decision decision = market::decide(state_, plain ? *plain : command, time(now), settings_.rules);
  if (auto* event = std::get_if<Event>(&decision)) {
    if (std::holds_alternative<Refused>(event->fact)) outcome.refused = refusal_of(command, now);
    outcome.subject = subject_of(event->fact);
    outcome.event = static_cast<int>(making_.size());
    make(std::move(*event));
  } else if (const auto* replayed = std::get_if<Replayed>(&decision)) {
    outcome.replayed = true;
    outcome.subject = replayed->subject;
  } else if (auto* error = std::get_if<Error>(&decision)) {
    outcome.refused = std::move(*error);
  }
  return outcome;
}

std::size_t Sequencer::read_ahead(const Command& command) const {
  std::size_t found = state_.keys.contains(command.key);
  if (const auto* order = std::get_if<PlaceOrder>(&command.body))
    for (const WantedLine& line : order->lines)
      found += state_.units_of(order->user, state_.slot_of(line.product)) != 0;
  return found;
}

void Sequencer::barrier(Instant now) {
  Event event;
  event.at = time(now);
  event.fact = Barrier{};
  make(std::move(event));
}

std::string_view Sequencer::seal() {
  check(!in_flight() && !making_.empty(), "one group is in flight at most");
  record_ = writer_.finish();
  in_flight_ = std::make_shared<std::vector<CountedEvent>>();
  in_flight_->reserve(making_.size());
  Place place = end_.point.last;
  for (Event& event : making_) in_flight_->push_back(CountedEvent{++place, std::move(event)});
  making_.clear();
  return record_;
}

CountedEvents Sequencer::counted(Offset offset) {
  check(in_flight(), "a group counts that was not in flight");
  wire::GroupHead head;
  head.term = end_.point.term;
  head.first = end_.point.last + 1;
  head.count = static_cast<std::uint32_t>(in_flight_->size());
  check(rule_.judge(head), "the group in flight does not count");
  advance(offset, record_);
  CountedEvents events = std::exchange(in_flight_, nullptr);
  settle(*events);
  if (settled_hook_) settled_hook_(undo_);
  return events;
}

void Sequencer::take_back() {
  undo(state_, undo_);
  const auto taken_back = std::exchange(in_flight_, nullptr);
  for (const CountedEvent& each : *taken_back) {
    const OpenOrder* order = state_.orders.find(order_of(each.event.fact));
    if (order == nullptr) continue;
    // Its deadline was used up; and forget() may have passed over it while it looked open.
    if (std::holds_alternative<OrderVoided>(each.event.fact)) add_deadline(order->pay_by, order->id);
    if (!order->open_work()) closed_.push_front(Closed{order->place, order->id});
  }
}

void Sequencer::abandon() {
  check(in_flight(), "nothing is in flight");
  take_back();
}

// ---- Memory and deadlines ----

void Sequencer::add_deadline(Instant at, OrderId order) {
  deadlines_[due_tick(at)].push_back(order);
}

std::optional<Instant> Sequencer::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return Instant(deadlines_.begin()->first * deadline_tick);
}

void Sequencer::expire_due(Instant now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= tick_of(now)) {
    auto& due = deadlines_.begin()->second;
    while (!due.empty()) {
      if (making_.size() >= settings_.group_events_max / 2) return;  // The rest of the group is for buyers.
      const OrderId id = due.front();
      due.pop_front();
      const OpenOrder* order = state_.orders.find(id);
      if (order == nullptr || order->state != OrderState::accepted) continue;
      const Instant at = expires_at(state_, *order, settings_.rules);
      if (at > now) {  // Put off by the grace after a pause, or by an open attempt to pay.
        add_deadline(at, id);
        continue;
      }
      Command expire = ExpireOrder{id};
      Decision decision = market::decide(state_, expire, time(now), settings_.rules);
      if (auto* event = std::get_if<Event>(&decision)) make(std::move(*event));
    }
    deadlines_.erase(deadlines_.begin());
  }
}

void Sequencer::skip_due(Instant now) {
  constexpr Millis look_again{1'000};  // The writer voids them; until then they stay due.
  if (in_flight()) return;             // What the group in flight says of an order may be taken back.
  std::vector<OrderId> waiting;
  for (; !deadlines_.empty() && deadlines_.begin()->first <= tick_of(now);
       deadlines_.erase(deadlines_.begin()))
    for (const OrderId id : deadlines_.begin()->second)
      if (const OpenOrder* order = state_.orders.find(id); order && order->state == OrderState::accepted)
        waiting.push_back(id);
  for (const OrderId id : waiting) add_deadline(now + look_again, id);
}

void Sequencer::forget(Place recorded) {
  for (; !closed_.empty() && closed_.front().place <= recorded; closed_.pop_front()) {
    const Closed& oldest = closed_.front();
    const OpenOrder* order = state_.orders.find(oldest.order);
    if (order == nullptr || order->open_work() || order->place > oldest.place) continue;
    forgotten_through_ = std::max(forgotten_through_, oldest.place);
    state_.orders.erase(oldest.order);
  }
  for (; !bound_.empty() && bound_.front().place <= recorded; bound_.pop_front()) {
    const Bound& oldest = bound_.front();
    const KeyBinding* binding = state_.keys.find(oldest.key);
    if (binding == nullptr || binding->subject != oldest.subject) continue;
    forgotten_through_ = std::max(forgotten_through_, oldest.place);
    state_.keys.erase(oldest.key);
  }
}

}  // namespace market::sale
