#include "tests/sim/sale.hpp"

namespace market::sim {
namespace {

constexpr std::uint64_t calm_steps_max = 30'000;
constexpr Millis answer_deadline{400};

bool worth_a_retry(Code code) {
  return code == Code::unavailable || code == Code::overloaded || code == Code::recovering ||
         code == Code::insufficient_storage;
}

double draw(Random& random, double most) {
  return random.chance(0.5) ? 0 : most * static_cast<double>(random.between(1, 100)) / 100;
}

}  // namespace

Faults draw_faults(Random& random) {
  Faults faults;
  for (double* network : {&faults.request_lost, &faults.answer_lost, &faults.sent_twice})
    *network = draw(random, 0.2);
  for (double* disk : {&faults.sync_in_doubt, &faults.sync_slow, &faults.disk_full})
    *disk = draw(random, 0.05);
  faults.reopen_fails = draw(random, 0.8);
  faults.crash = draw(random, 0.1);
  faults.records_away = draw(random, 0.1);
  faults.wall_step = draw(random, 0.2);
  faults.snapshot = random.chance(0.15) ? 0.02 : 0;
  return faults;
}

ProductTerms Sale::draw_terms(std::int64_t product) {
  Random& random = world_.random;
  ProductTerms terms;
  terms.seller = UserId{7};
  terms.price.amount = random.between(0, 50) * 100;
  terms.kind = product == 3 ? ProductKind::regular : ProductKind::event;
  if (product == 4) terms.price.currency = Currency{{'U', 'S', 'D'}};
  if (product == 3) return terms;
  market::Sale sale;
  sale.opens_at = world_.now() + Millis(random.between(-50, 100));
  if (random.chance(0.3)) sale.closes_at = sale.opens_at + Millis(random.between(500, 20'000));
  if (random.chance(0.6)) sale.per_user_limit = static_cast<std::int32_t>(random.between(1, 3));
  terms.sale = sale;
  return terms;
}

void Sale::open_shop() {
  Random& random = world_.random;
  users_ = static_cast<std::size_t>(random.between(3, 40));
  product_count_ = static_cast<std::size_t>(random.between(1, 4));
  payment_window_ = Millis(random.between(300, 5'000));
  gate_.start();
  for (std::int64_t id = 1; id <= static_cast<std::int64_t>(product_count_); ++id)
    send_until_answered(ListProduct{ProductId{id}, draw_terms(id), random.between(0, 40)}, {});
  const auto buyers = random.between(2, 12);
  for (int i = 0; i < buyers; ++i) buyer_acts();
  seller_acts();
  resolver_acts();
  nemesis_acts();
}

// ---- The network ----

void Sale::send(const Request& what, Then then) {
  auto request = std::make_shared<Request>(what);
  auto answered = std::make_shared<bool>(false);
  checker_.sent(request);
  const auto once = [answered, then = std::move(then)](const Answer& answer) {
    if (!std::exchange(*answered, true) && then) then(answer);
  };
  request->done = [this, once](const Answer& answer) {
    result_.refusals += !answer;
    result_.replays += answer && answer->replayed;
    if (world_.random.chance(world_.faults.answer_lost)) return;
    world_.scheduler.after(Millis(world_.random.between(0, 5)), [once, answer] { once(answer); });
  };
  world_.scheduler.after(answer_deadline, [once] { once(fail(Code::unavailable, "no answer came")); });
  if (world_.random.chance(world_.faults.request_lost)) return;
  world_.scheduler.after(Millis(world_.random.between(0, 5)), [this, request] { gate_.submit(request); });
}

void Sale::send_until_answered(Command command, Then then, int purchase, int tries) {
  if (auto* place = std::get_if<PlaceOrder>(&command)) place->order = OrderId{++ids_};
  Request request{command};
  request.purchase = purchase;
  request.tries = tries;
  send(request, [this, command, then = std::move(then), purchase, tries](const Answer& answer) {
    const bool keyless = std::holds_alternative<PlaceOrder>(command) && !std::get<PlaceOrder>(command).key;
    if (answer || !worth_a_retry(answer.error().code) || keyless) {
      if (then) then(answer);
      return;
    }
    Command again = command;
    auto* place = std::get_if<PlaceOrder>(&again);
    if (place && world_.bug == Bug::retry_with_new_key) place->key.lo = world_.random.next();
    const Millis pause(world_.random.between(5, 100));
    world_.scheduler.after(pause, [this, again, then, purchase, tries] {
      send_until_answered(again, then, purchase, tries + 1);
    });
  });
}

// ---- Buyers ----

void Sale::buyer_acts() {
  if (calm_) return;
  Random& random = world_.random;
  if (random.chance(0.03))
    buy_nonsense();
  else
    buy();
  world_.scheduler.after(Millis(random.between(1, 150)), [this] { buyer_acts(); });
}

void Sale::buy() {
  Random& random = world_.random;
  PlaceOrder place;
  int purchase = ++purchases_;
  if (!asked_.empty() && random.chance(0.1)) {  // Something that was asked before, at times changed.
    place = random.pick(asked_);
    purchase = static_cast<int>(place.body_fingerprint >> 1);
    if (random.chance(0.2)) place.body_fingerprint ^= 1;
  } else {
    place.user = UserId{random.between(1, static_cast<std::int64_t>(users_))};
    if (random.chance(0.9))
      place.key = RequestKey{mixed(static_cast<std::uint64_t>(place.user.value)), random.next()};
    place.body_fingerprint = static_cast<std::uint64_t>(purchase) << 1;
    place.payment_window = payment_window_;
    const auto first = random.chance(0.7) ? 1 : random.between(1, static_cast<std::int64_t>(product_count_));
    place.lines.push_back(WantedLine{ProductId{first}, static_cast<std::int32_t>(random.between(1, 2))});
    if (product_count_ > 2 && first != 3 && random.chance(0.2))
      place.lines.push_back(WantedLine{ProductId{3}, static_cast<std::int32_t>(random.between(1, 3))});
    asked_.push_back(place);
  }
  const UserId user = place.user;
  const auto then = [this, user](const Answer& answer) {
    if (answer && !calm_) follow_up(user, answer->order->id);
  };
  if (random.chance(world_.faults.sent_twice)) send_until_answered(place, {}, purchase);
  send_until_answered(place, then, purchase);
}

void Sale::buy_nonsense() {
  Random& random = world_.random;
  PlaceOrder place;
  place.user = UserId{random.between(1, static_cast<std::int64_t>(users_))};
  place.payment_window = payment_window_;
  constexpr std::array<std::int32_t, 3> wrong{-1, 0, 1'001};
  const std::int32_t quantity = random.pick(wrong);
  switch (random.between(0, 4)) {
    case 0:
      break;  // No lines.
    case 1:
      for (int i = 0; i < 21; ++i) place.lines.push_back(WantedLine{ProductId{100 + i}, 1});
      break;
    case 2:
      place.lines = {WantedLine{ProductId{1}, quantity}};
      break;
    case 3:
      place.lines = {WantedLine{ProductId{99}, 1}};
      break;
    default:
      place.lines = {WantedLine{ProductId{1}, 1}, WantedLine{ProductId{random.chance(0.5) ? 1 : 4}, 1}};
  }
  send_until_answered(place, {}, ++purchases_);
}

void Sale::follow_up(UserId user, OrderId order) {
  Random& random = world_.random;
  look(user, order);
  // Many act close to the end of the time to pay: there the timer may be faster.
  const Millis when =
      random.chance(0.3) ? payment_window_ + Millis(random.between(-12, 6)) : Millis(random.between(0, 300));
  const double what = static_cast<double>(random.between(0, 99)) / 100;
  world_.scheduler.after(std::max(when, Millis(0)), [this, user, order, what] {
    if (what < 0.5) pay(user, order);
    if (what >= 0.4 && what < 0.75) cancel(user, order);
    look(user, order);
  });
}

void Sale::pay(UserId user, OrderId order) {
  const AttemptId attempt{++attempts_};
  const bool again = world_.random.chance(0.2);
  send_until_answered(StartPayment{order, user, attempt}, [this, user, order, attempt,
                                                           again](const Answer& answer) {
    if (!answer || !answer->order || charges_.contains(attempt)) return;
    Random& random = world_.random;
    const bool late = random.chance(0.2);
    const Instant known = world_.now() + Millis(late ? random.between(1'500, 6'000) : random.between(1, 200));
    charges_[attempt] = Charge{answer->order->total.amount, random.chance(0.75), false, known};
    if (charges_[attempt].captured) captured_ += answer->order->total.amount;
    if (again) world_.scheduler.after(Millis(50), [this, user, order] { pay(user, order); });
  });
}

void Sale::cancel(UserId user, OrderId order) {
  const bool stranger = world_.random.chance(0.05);
  const UserId who = stranger ? UserId{user.value + 1} : user;
  send_until_answered(CancelOrder{order, who}, {});
  if (world_.random.chance(0.2)) send_until_answered(CancelOrder{order, who}, {});
}

void Sale::look(UserId user, OrderId order) {
  const UserId who = world_.random.chance(0.1) ? UserId{user.value + 1} : user;
  if (gate_.up()) checker_.shown(who, order, gate_.read(who, order));
}

// ---- Seller, payments ----

void Sale::seller_acts() {
  if (calm_) return;
  Random& random = world_.random;
  const ProductId product{random.between(1, static_cast<std::int64_t>(product_count_) + 1)};
  const auto listed = gate_.state().products.find(product);
  switch (random.between(0, 6)) {
    case 0:
      send_until_answered(AdjustStock{product, random.between(-5, 8), "count"}, {});
      break;
    case 1: {
      constexpr std::array odd{std::int64_t{0}, ProductStock::stock_max, -ProductStock::stock_max - 1};
      send(Request{AdjustStock{product, random.pick(odd), "wrong"}}, {});
      break;
    }
    case 2: {
      ProductTerms terms = listed == gate_.state().products.end() ? draw_terms(1) : listed->second.terms;
      switch (random.between(0, 7)) {
        case 0:
          terms.price.amount = -1;
          break;
        case 1:
          terms.seller = UserId{8};
          break;
        case 2:
          terms.kind = ProductKind::regular;
          break;
        case 3:
          if (terms.sale) terms.sale->closes_at = terms.sale->opens_at;
          break;
        case 4:
          if (terms.sale) terms.sale->per_user_limit = 0;
          break;
        case 5:
          terms.withdrawn = product.value != 1 && random.chance(0.3);
          break;
        default:
          terms.price.amount = random.between(1, 50) * 100;
      }
      send(Request{ChangeProduct{product, terms}}, {});
      break;
    }
    case 3: {
      ProductTerms terms = draw_terms(product.value);
      if (product.value > static_cast<std::int64_t>(product_count_)) terms.price.amount = -5;
      send(Request{ListProduct{product, terms, random.chance(0.5) ? -1 : 5}}, {});
      break;
    }
    default:
      if (checker_.orders().empty()) break;
      auto order = checker_.orders().lower_bound(OrderId{random.between(1'000, ids_)});
      if (order == checker_.orders().end()) order = checker_.orders().begin();
      const auto state = static_cast<int>(order->second.state) + (random.chance(0.9) ? 1 : 2);
      const UserId user = random.chance(0.5) ? UserId{} : order->second.user;
      if (state > static_cast<int>(OrderState::returned)) break;
      send(Request{MoveOrder{order->first, user, static_cast<OrderState>(state), "moved"}}, {});
  }
  if (random.chance(0.02)) send(Request{OpenEpoch{gate_.state().epoch + random.between(0, 1)}}, {});
  world_.scheduler.after(Millis(random.between(5, 60)), [this] { seller_acts(); });
}

/// Asks the provider what became of open payments, pays back what is owed, and tells the gate; a charge that
/// never came is sealed as declined.
void Sale::resolver_acts() {
  if (gate_.up()) {
    std::vector<OrderPtr> open;
    for (const auto& entry : gate_.state().orders)
      if (entry.second->payment == PaymentState::pending || entry.second->payment == PaymentState::refunding)
        open.push_back(entry.second);
    for (const OrderPtr& order : open) {
      const auto durable = checker_.orders().find(order->id);
      if (durable == checker_.orders().end() || durable->second.payment != order->payment) continue;
      if (order->payment == PaymentState::refunding) {
        Charge& charge = charges_[order->attempt];
        if (!charge.refunded || world_.bug == Bug::refund_not_idempotent) refunded_ += charge.amount;
        charge.refunded = true;
        send(Request{SettlePayment{order->id, order->attempt, PaymentOutcome::refunded}}, {});
        continue;
      }
      const auto charge = charges_.find(order->attempt);
      if (charge == charges_.end()) {
        if (world_.now() - order->updated_at > Millis(1'000)) charges_[order->attempt] = Charge{};
      } else if (world_.now() >= charge->second.known_at) {
        const auto outcome = charge->second.captured ? PaymentOutcome::captured : PaymentOutcome::declined;
        send(Request{SettlePayment{order->id, order->attempt, outcome}}, {});
        // Told twice; and of a refund that nobody owes (never where one may be owed by then).
        const auto again = charge->second.captured ? outcome : PaymentOutcome::refunded;
        if (world_.random.chance(0.1)) send(Request{SettlePayment{order->id, order->attempt, again}}, {});
      }
    }
  }
  // Somebody may still be about to act when all seems done: it goes on for longer than anybody waits.
  peaceful_rounds_ = calm_ && converged() ? peaceful_rounds_ + 1 : 0;
  if (peaceful_rounds_ < 80) world_.scheduler.after(Millis(100), [this] { resolver_acts(); });
}

// ---- The nemesis ----

void Sale::crash() {
  ++result_.crashes;
  gate_.crash();
  const Millis down(world_.random.chance(0.2) ? world_.random.between(500, 4'000)
                                              : world_.random.between(1, 200));
  world_.scheduler.after(down, [this] { gate_.start(); });
}

void Sale::nemesis_acts() {
  if (calm_) return;
  Random& random = world_.random;
  const Faults& faults = world_.faults;
  if (gate_.up() && random.chance(faults.crash)) crash();
  world_.records.away = random.chance(world_.records.away ? 0.7 : faults.records_away);
  if (random.chance(faults.wall_step)) world_.wall_offset = Millis(random.between(-3'600'000, 3'600'000));
  if (random.chance(faults.snapshot)) {
    const auto snapshot_at = gate_.make_snapshot();
    if (random.chance(0.5) && snapshot_at) {  // Only what the snapshot has may be trimmed.
      const auto trimmed = world_.journal.trim(*snapshot_at);
      if (!trimmed) world_.violated("the journal cannot be trimmed");
    }
  }
  world_.scheduler.after(Millis(random.between(10, 60)), [this] { nemesis_acts(); });
}

bool Sale::converged() const {
  if (!gate_.idle() || !gate_.records_caught_up()) return false;
  for (const auto& entry : checker_.orders())
    if (entry.second.state == OrderState::accepted || entry.second.payment == PaymentState::pending ||
        entry.second.payment == PaymentState::refunding)
      return false;
  return true;
}

SaleResult Sale::run(std::uint64_t events) {
  world_.faults = draw_faults(world_.random);
  open_shop();
  Scheduler& scheduler = world_.scheduler;
  while (world_.violation.empty() && scheduler.steps() < events && scheduler.step()) {
  }
  calm_ = true;
  world_.faults = {};
  world_.records.away = false;
  world_.journal.fail_reopens(false);
  while (world_.violation.empty() && scheduler.steps() < events + calm_steps_max && scheduler.step()) {
  }
  if (world_.violation.empty()) {
    if (!converged()) world_.violated("I18: no peace after the faults ended");
    checker_.finished(gate_.state());
    if (captured_ - refunded_ != checker_.live_money())
      world_.violated("I13: captured less refunded is not what the paid orders cost");
    for (const auto& entry : checker_.orders()) look(entry.second.user, entry.first);
  }
  result_.violation = world_.violation;
  result_.trace = scheduler.trace_hash();
  result_.events = scheduler.steps();
  result_.orders = checker_.orders().size();
  result_.torn_groups = world_.journal.torn_groups();
  return result_;
}

SaleResult run_sale(std::uint64_t seed, Bug bug, std::uint64_t events) {
  return Sale(seed, bug).run(events);
}

}  // namespace market::sim
