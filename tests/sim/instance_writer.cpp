// What the thread around a sequencer does: gather, decide, send, send again, answer.
#include "tests/sim/instance.hpp"

namespace market::sim {
namespace {

constexpr Millis restart_grace{500}, resend_after{150}, silence_max{300};
constexpr std::size_t batch_max = 16;

constexpr Place trusted = std::int64_t{1} << 60;

}  // namespace

void Instance::tick() {
  after(shared_.world.millis(40, 60), [this] { tick(); });
  if (recovering_ && shared_.log.reopen()) {
    recovering_ = false;
    nonce_ = 0;  // An Open that was in doubt and is there is an older one now.
    replay_log();
    open();
  }
  resend();
  fold();
  snapshot();
  tell_stock();
  if (!shared_.world.embedded) open_if_silent();
  wake();
}

// ---- Becoming the writer ----

void Instance::open_if_silent() {
  if (writer_) return;
  for (const auto& other : shared_.instances)
    if (other->writes() && !other->paused() && !other->is_cut_off() &&
        other->nonce_ == sequencer().end().point.term)
      heard_ = clock();
  if (asked_at_ != Instant{} && clock() - asked_at_ < Millis(200)) return;
  if (shared_.world.strikes(shared_.world.faults.spurious_open)) return open();
  const Millis patience =
      sequencer().end().point.term == 0 ? Millis(0) : silence_max + shared_.world.millis(0, 200);
  if (clock() - heard_ >= patience && sequencer().end().next == shared_.log.end()) open();
}

void Instance::open() {
  if (shared_.world.embedded && opening_) return;
  opening_ = true;
  asked_at_ = clock();
  nonce_ = shared_.world.random.next() | 1;
  const LogId log{shared_.world.seed, 1, 0};
  const std::string record = sequencer().open(nonce_, log, clock(), std::to_string(number_), "sim");
  if (!shared_.world.embedded) return produce(record);
  shared_.log.append(record, [this, life = life_, record](const Result<Offset>& offset) {
    if (alive_ && life == life_) opened_alone(offset, record);
  });
}

void Instance::opened_alone(const Result<Offset>& offset, const std::string& record) {
  opening_ = false;
  if (offset) return follow_one(*offset, record);
  if (offset.error().code == Code::insufficient_storage) return after(Millis(100), [this] { open(); });
  recovering_ = true;
}

/// After a pause, unpaid orders get it back.
void Instance::grant_grace() {
  const Instant now = clock();
  if (sign_of_life_ == Instant{}) return;
  const Millis grace = std::min(restart_grace, std::max(Millis(0), now - sign_of_life_));
  const auto due = sequencer().next_deadline();
  if (grace == Millis(0) || !due || *due >= now + grace) return;
  sequencer().decide(GrantGrace{now + grace}, {}, now);
  if (sequencer().has_group()) send();
}

// ---- Deciding ----

void Instance::receive(RequestPtr request) {
  after(Millis(0), [this, request] {
    if (bug(Bug::board_decides) && is_shown_sold_out(request->command))
      return reply(request, Answer{Answer::Kind::refused, Code::sold_out, 0, {}});
    if (!writer_) return reply(request, Answer{Answer::Kind::not_taken, Code::recovering, 0, {}});
    queue_.push_back(request);
    wake();
  });
}

void Instance::wake() {
  if (!writer_ || waking_) return;
  waking_ = true;
  after(shared_.world.millis(0, 2), [this] { work(); });
}

void Instance::work() {
  waking_ = false;
  if (!writer_ || sequencer().in_flight()) return;
  const Instant now = clock();
  sequencer().expire_due(bug(Bug::timer_on_wall_clock) ? now + wall_offset_ : now);
  if (bug(Bug::expire_races_confirm)) void_stale();
  stock_before_.clear();
  while (!queue_.empty() && batch_.size() < batch_max && decide(queue_.front())) queue_.pop_front();
  if (batch_.empty() && !sequencer().has_group()) return;
  if (!sequencer().has_group()) {
    // Alone, the lock is enough.
    if (shared_.world.embedded || bug(Bug::deposed_refusal)) return answer_batch(nullptr);
    sequencer().barrier(now);
  }
  send();
}

/// False: the group is full.
bool Instance::decide(const RequestPtr& request) {
  const Answer not_taken{Answer::Kind::not_taken, Code::unavailable, 0, {}};
  if (shared_.world.now() - request->sent > answer_time_max) {
    reply(request, not_taken);
    return true;
  }
  Command command = request->command;
  if (bug(Bug::copy_not_settled)) command.copy.number = std::min(command.copy.number, 1u);
  if (bug(Bug::forgotten_key_trusted)) request->looked_up.key_as_of = trusted;
  auto outcome = decide_on(*request, command);
  if (outcome.full) return false;
  if (outcome.missing != sale::Sequencer::Missing::nothing)
    look_up(request, outcome.missing);
  else
    batch_.push_back(Decided{request, std::move(outcome)});
  return true;
}

sale::Sequencer::Outcome Instance::decide_on(const Request& request, const Command& command) {
  const auto* wanted = std::get_if<PlaceOrder>(&command.body);
  SaleProduct* product =
      wanted ? const_cast<SaleState&>(sequencer().state()).product(wanted->lines.front().product) : nullptr;
  if (!bug(Bug::check_then_decrement) || product == nullptr)
    return sequencer().decide(command, request.looked_up, clock());
  std::int64_t& remaining = product->stock.remaining;
  const std::int64_t real = remaining;
  remaining = std::max(real, stock_before_.try_emplace(product->id, real).first->second);
  const std::int64_t checked = remaining;
  auto outcome = sequencer().decide(command, request.looked_up, clock());
  remaining -= checked - real;
  return outcome;
}

/// The mistake: whether an order is due was looked up before its payment came.
void Instance::void_stale() {
  if (!shared_.world.random.chance(0.1)) return;
  auto& orders = const_cast<SaleState&>(sequencer().state()).orders;
  OrderId paid;
  orders.for_each([&](const OpenOrder& order) {
    if (order.state == OrderState::paid) paid = std::max(paid, order.id);
  });
  OpenOrder* order = orders.find(paid);
  if (order == nullptr) return;
  order->state = OrderState::accepted;
  order->pay_by = Instant{};
  const auto outcome = sequencer().decide(ExpireOrder{paid}, {}, clock());
  if (outcome.event < 0) order->state = OrderState::paid;
}

void Instance::look_up(RequestPtr request, sale::Sequencer::Missing missing) {
  ++shared_.look_ups;
  const bool slow = shared_.world.strikes(shared_.world.faults.records_slow);
  after(shared_.world.millis(0, slow ? 200 : 3), [this, request, missing, slow] {
    if (shared_.records.away())
      return reply(request, Answer{Answer::Kind::not_taken, Code::unavailable, 0, {}});
    sale::LookedUp& found = request->looked_up;
    if (missing == sale::Sequencer::Missing::order) {
      const FoundOrder order = shared_.records.look_up(order_of(request->command));
      found.order = order.order;
      found.order_as_of = bug(Bug::old_look_up_trusted) ? trusted : order.as_of;
    } else {
      const FoundKey key = shared_.records.look_up(request->command.key);
      found.bound = key.bound;
      found.key_as_of = bug(Bug::old_look_up_trusted) ? trusted : key.as_of;
    }
    after(shared_.world.millis(0, slow ? 400 : 3), [this, request] { receive(request); });
  });
}

// ---- Sending and answering ----

void Instance::produce(std::string record) {
  if (!is_cut_off()) shared_.log.produce(std::move(record));
}

void Instance::send() {
  const std::string record(sequencer().seal());
  sent_at_ = clock();
  if (bug(Bug::acknowledge_before_sync) || bug(Bug::answered_before_read_back)) {
    const auto group = wire::decode_record(record);
    answer_batch(std::make_shared<const std::vector<CountedEvent>>(
        *wire::decode_events(std::get<wire::Group>(*group))));
  }
  if (!shared_.world.embedded) return produce(record);
  shared_.log.append(record, [this, life = life_](const Result<Offset>& offset) {
    if (alive_ && life == life_) appended(offset);
  });
}

void Instance::resend() {
  if (shared_.world.embedded || clock() - sent_at_ < resend_after) return;
  sent_at_ = clock();
  if (!sequencer().in_flight()) return;
  if (bug(Bug::other_bytes) && !batch_.empty()) {
    sequencer().abandon();
    return drop(Answer::Kind::not_taken, Answer::Kind::not_taken);
  }
  produce(std::string(sequencer().in_flight_record()));
}

/// One writer alone: its group is synced, or not, or perhaps.
void Instance::appended(const Result<Offset>& offset) {
  if (offset) {
    const CountedEvents events = sequencer().counted(*offset);
    shared_.checker.followed(number_, *offset, sequencer());
    deliver(events);
    return answer_batch(events);
  }
  writer_ = false;
  copy_.reset();
  sequencer().on_settled({});
  if (offset.error().code == Code::insufficient_storage) {
    sequencer().abandon();
    drop(Answer::Kind::not_taken, Answer::Kind::not_taken);
    return after(Millis(100), [this] { open(); });
  }
  drop(Answer::Kind::unknown, Answer::Kind::not_taken);
  recovering_ = true;
}

void Instance::answer_batch(const CountedEvents& events) {
  for (const Decided& decided : std::exchange(batch_, {})) answer(decided, events);
  wake();
}

void Instance::answer(const Decided& decided, const CountedEvents& events) {
  const sale::Sequencer::Outcome& outcome = decided.outcome;
  Answer answer{Answer::Kind::unchanged, Code::internal, outcome.subject, {}};
  if (outcome.event >= 0) {
    answer.kind = Answer::Kind::event;
    answer.event = {events, &(*events)[static_cast<std::size_t>(outcome.event)]};
  }
  if (outcome.replayed) answer.kind = Answer::Kind::replayed;
  if (outcome.refused) {
    answer.kind = Answer::Kind::refused;
    answer.code = outcome.refused->code;
  }
  reply(decided.request, std::move(answer));
}

void Instance::reply(const RequestPtr& request, Answer answer) {
  shared_.checker.answered(*request, answer);
  const bool late = !shared_.world.embedded && shared_.world.strikes(shared_.world.faults.request_late);
  if (shared_.world.strikes(shared_.world.faults.answer_lost)) {
    if (!shared_.world.embedded) return;
    answer = Answer{};  // The connection broke: its buyer does not know.
  }
  shared_.world.after(shared_.world.millis(0, late ? 600 : 3),
                      [request, answer = std::move(answer)] { request->answer(answer); });
}

void Instance::drop(Answer::Kind batch, Answer::Kind queue) {
  for (const Decided& decided : std::exchange(batch_, {}))
    reply(decided.request, Answer{batch, Code::unavailable, 0, {}});
  for (const RequestPtr& request : std::exchange(queue_, {}))
    reply(request, Answer{queue, Code::unavailable, 0, {}});
}

// ---- Planted bugs ----

bool Instance::is_shown_sold_out(const Command& command) const {
  const auto* wanted = std::get_if<PlaceOrder>(&command.body);
  const ShownProduct* shown = wanted ? stock_->table.find(wanted->lines.front().product) : nullptr;
  return shown != nullptr && shown->live->remaining == 0;
}

void Instance::forget_an_entry(const std::vector<Event>& taken_back) {
  for (const Event& event : taken_back)
    if (const auto* accepted = std::get_if<OrderAccepted>(&event.fact)) {
      const OrderLine& line = accepted->lines.front();
      const_cast<SaleState&>(sequencer().state()).product(line.product)->stock.remaining -= line.quantity;
      return;
    }
}

}  // namespace market::sim
