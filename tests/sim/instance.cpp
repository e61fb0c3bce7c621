#include "tests/sim/instance.hpp"

#include <boost/asio/co_spawn.hpp>

namespace market::sim {

Instance::Instance(Shared& shared, int number) : shared_(shared), number_(number) {
  if (!shared_.world.embedded) skew_ = shared_.world.millis(-150, 150);
}

void Instance::after(Millis delay, std::function<void()> action) {
  shared_.world.after(delay, [this, life = life_, action = std::move(action)] {
    if (!alive_ || life != life_) return;
    if (paused_)
      deferred_.push_back(action);
    else
      action();
  });
}

void Instance::pause(Millis duration) {
  paused_ = true;
  shared_.world.after(duration, [this, life = life_] {
    if (life != life_) return;
    paused_ = false;
    for (auto& action : std::exchange(deferred_, {})) after(shared_.world.millis(0, 3), std::move(action));
  });
}

void Instance::cut_off(Instant until) {
  cut_off_until_ = until;
  shared_.world.after(std::max(Millis(0), until - shared_.world.now()), [this] { notice(); });
}

void Instance::kill() {
  alive_ = paused_ = writer_ = recovering_ = false;
  tailing_ = waking_ = folding_ = opening_ = false;
  ++life_;
  deferred_.clear();
  copy_.reset();
  memory_.reset();
  stock_.reset();
  batch_.clear();
  queue_.clear();
  if (shared_.world.embedded) shared_.log.crash();
}

// ---- Following ----

void Instance::notice() {
  if (!alive_ || tailing_ || shared_.world.embedded || is_cut_off()) return;
  tailing_ = true;
  const bool lags = shared_.world.strikes(shared_.world.faults.lag);
  const Millis look = lags ? shared_.world.millis(5, 900) : shared_.world.millis(0, 2);
  after(look + until_next(), [this] { tail(); });
}

/// How long its next record is still on its way.
Millis Instance::until_next() const {
  if (sequencer().end().next >= shared_.log.end()) return Millis(0);
  const Instant comes = shared_.log.visible_at(sequencer().end().next) + slow_way_;
  return std::max(Millis(0), comes - shared_.world.now());
}

void Instance::tail() {
  tailing_ = false;
  if (is_cut_off()) return;
  std::int64_t most = shared_.world.random.between(1, shared_.world.random.chance(0.3) ? 3 : 60);
  while (sequencer().end().next < shared_.log.end() && until_next() == Millis(0) && most-- > 0) {
    const Offset offset = sequencer().end().next;
    follow_one(offset, perturbed(shared_.log.at(offset)));
    if (!shared_.world.violation.empty()) return;
  }
  if (!writer_) sequencer().skip_due(clock());
  if (sequencer().end().next < shared_.log.end())
    notice();
  else
    end_ahead();
  wake();
}

/// The mistakes of a reader that does not know the log's rule.
std::string Instance::perturbed(const std::string& bytes) const {
  if (!bug(Bug::old_term_counted) && !bug(Bug::group_counted_twice) && !bug(Bug::group_behind_hole))
    return bytes;
  const auto record = wire::decode_record(bytes);
  const auto* group = record ? std::get_if<wire::Group>(&*record) : nullptr;
  if (group == nullptr || sequencer().in_flight()) return bytes;
  const sale::LogRule::Point& at = sequencer().end().point;
  const Place next = at.last + 1;
  const bool wrong =
      (bug(Bug::old_term_counted) && group->head.term != at.term && group->head.first == next) ||
      (group->head.term == at.term && ((bug(Bug::group_counted_twice) && group->head.first < next) ||
                                       (bug(Bug::group_behind_hole) && group->head.first > next)));
  if (!wrong) return bytes;
  wire::GroupWriter writer;
  writer.begin(at.term, next);
  const auto events = wire::decode_events(*group);
  for (const CountedEvent& counted : *events) writer.add(counted.event);
  return std::string(writer.finish());
}

void Instance::follow_one(Offset offset, const std::string& record) {
  heard_record_ = clock();
  std::vector<Event> in_flight;
  if (bug(Bug::undo_forgets_entry) && sequencer().in_flight()) {
    const auto own = wire::decode_record(sequencer().in_flight_record());
    const auto events = wire::decode_events(std::get<wire::Group>(*own));
    for (const CountedEvent& each : *events) in_flight.push_back(each.event);
  }
  const Instant sign_of_life = sequencer().last_sign_of_life();
  const auto followed = sequencer().follow(offset, record);
  if (!followed)
    return shared_.world.violated(
        fmt::format("instance {}, offset {}: {}", number_, offset, followed.error().detail));
  if (followed->opened) {
    if (!in_flight.empty()) forget_an_entry(in_flight);
    shared_.checker.followed(number_, offset, sequencer());
    sign_of_life_ = sign_of_life;
    return opened();
  }
  shared_.checker.followed(number_, offset, sequencer());
  if (!followed->events) return;
  deliver(followed->events);
  if (followed->own) answer_batch(followed->events);
}

/// Somebody has opened a term: this instance or another.
void Instance::opened() {
  heard_ = clock();
  copy_.reset();
  sequencer().on_settled({});
  if (!batch_.empty()) ++shared_.undone;
  drop(Answer::Kind::not_taken, Answer::Kind::not_taken);
  writer_ = sequencer().writes(nonce_);
  if (writer_ && bug(Bug::limit_per_instance)) {
    auto& buyers = const_cast<SaleState&>(sequencer().state()).buyers;
    std::vector<Buyer> known;
    buyers.for_each([&](const Buyer& buyer, std::int32_t) { known.push_back(buyer); });
    for (const Buyer& buyer : known) buyers.set(buyer, 0);
  }
  if (!writer_) return;
  stock_->table.show_stock(sequencer().state());
  grant_grace();
  wake();
}

/// To those who follow the log here.
void Instance::deliver(const CountedEvents& events) {
  for (const CountedEvent& counted : *events) {
    follow_payments(counted);
    if (counted.event.key) bound_.emplace_back(counted.event.key, counted.event.at);
  }
  if (events->back().place > recorded_) {
    memory_->overlay.publish(events);
    unfolded_.push_back(events);
  }
  show_stock(events);
}

void Instance::follow_payments(const CountedEvent& counted) {
  const Fact& fact = counted.event.fact;
  const OrderId id = order_of(fact);
  if (const auto* started = std::get_if<PaymentStarted>(&fact))
    open_payments_[id] = OpenPayment{started->attempt, false, started->user, 0};
  else if (std::holds_alternative<OrderPaid>(fact) || std::holds_alternative<PaymentDeclined>(fact) ||
           std::holds_alternative<Refunded>(fact))
    open_payments_.erase(id);
  else if (const auto* owed = std::get_if<RefundOwed>(&fact))
    open_payments_[id] = OpenPayment{owed->attempt, true, owed->user, 0};
  else if (const auto* cancelled = std::get_if<OrderCancelled>(&fact); cancelled && cancelled->refund)
    open_payments_[id] = OpenPayment{cancelled->refund, true, cancelled->user, 0};
  else if (const auto* moved = std::get_if<OrderMoved>(&fact); moved && moved->refund)
    open_payments_[id] = OpenPayment{moved->refund, true, moved->user, 0};
}

/// What the records have needs no memory.
void Instance::learn_place(Place place) {
  recorded_ = std::max(recorded_, place);
  while (!unfolded_.empty() && unfolded_.front()->back().place <= place) {
    memory_->overlay.forget(unfolded_.front());
    unfolded_.pop_front();
  }
  if (!sequencer().in_flight() || shared_.world.random.chance(0.5)) sequencer().forget(place);
}

void Instance::fold() {
  if (folding_) return;
  if (!writer_ || unfolded_.empty()) {
    if (const auto place = shared_.records.place()) learn_place(*place);
    return;
  }
  folding_ = true;
  const std::size_t some =
      static_cast<std::size_t>(shared_.world.random.between(1, static_cast<std::int64_t>(unfolded_.size())));
  std::vector<CountedEvents> groups(unfolded_.begin(), unfolded_.begin() + static_cast<std::ptrdiff_t>(some));
  const bool slow = shared_.world.strikes(shared_.world.faults.records_slow);
  after(shared_.world.millis(0, slow ? 600 : 10), [this, from = recorded_, groups = std::move(groups)] {
    folding_ = false;
    const auto place = shared_.records.fold(from, groups);
    if (place) learn_place(*place);  // Whoever has folded.
  });
}

// ---- Reading ----

namespace {

/// The mistake: the row first. Between the two looks the fold may take a fact from the overlay into the row.
Task<OrderPtr> row_first(SimRecords& records, const sale::ReadOverlay& newer, UserId user, OrderId id) {
  const FoundOrder row = records.look_up(id);
  const auto later = co_await records.find(id);  // Time passes.
  if (!later) co_return fail(later.error());
  std::shared_ptr<Order> order = row.order ? std::make_shared<Order>(*row.order) : nullptr;
  for (const sale::NewerFact& fact : newer.of_order(user, id)) {
    if (!order && std::holds_alternative<OrderAccepted>(fact.event->event.fact))
      order = std::make_shared<Order>(accepted_order(*fact.event));
    if (order) fold_order(*order, *fact.event);
  }
  if (!order) co_return fail(Code::order_not_found, "no such order");
  co_return OrderPtr(order);
}

}  // namespace

void Instance::read(UserId user, OrderId id, Place at_least, Place read_index) {
  if (!alive_ || paused_) return;
  if (sequencer().end().point.last < read_index)
    return after(shared_.world.millis(1, 20),
                 [this, user, id, at_least, read_index] { read(user, id, at_least, read_index); });
  auto task = bug(Bug::row_before_overlay) ? row_first(shared_.records, memory_->overlay, user, id)
                                           : memory_->reader.find(user, id);
  asio::co_spawn(shared_.world.context, std::move(task),
                 [this, life = life_, id, at_least](std::exception_ptr, Result<OrderPtr> found) {
                   if (life == life_) shared_.checker.read(number_, id, found, at_least);
                 });
  shared_.world.context.restart();
  shared_.world.context.poll();
}

std::string Instance::left_over(Place end) const {
  if (!alive_) return "is not running";
  if (sequencer().end().point.last != end) return "is not at the log's end";
  if (!queue_.empty() || !batch_.empty() || sequencer().in_flight()) return "has commands in its queue";
  if (!unfolded_.empty()) return "has not heard of the records";
  if (!open_payments_.empty()) return "has an open payment";
  if (sequencer().state().orders.size() != 0) return "keeps orders in memory that the records have";
  if (sequencer().state().keys.size() != 0) return "keeps keys in memory that the records have";
  if (const std::string wrong = stock_left_over(); !wrong.empty()) return wrong;
  for (std::int64_t user = 1; user <= 20; ++user)
    if (!memory_->overlay.of_user(UserId{user}).empty()) return "keeps facts that the records have";
  return {};
}

}  // namespace market::sim
