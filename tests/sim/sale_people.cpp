// Who buys, sells, pays and settles.
#include "tests/sim/sale.hpp"

namespace market::sim {
namespace {

bool made(const Answer& answer) {
  return answer.kind == Answer::Kind::event || answer.kind == Answer::Kind::replayed;
}

Place place_of(const Answer& answer) {
  return answer.event ? answer.event->place : 1;
}

}  // namespace

// ---- The seller ----

void WholeSale::list_products() {
  const int count = static_cast<int>(world_.random.between(2, 3));
  for (int i = 0; i < count; ++i) {
    ListProduct product;
    product.terms.price.amount = 1'000 + i;
    product.texts.name = fmt::format("product {}", i);
    product.stock = world_.random.between(2, 14);
    if (i != 1) {
      product.terms.kind = ProductKind::event;
      product.terms.sale = market::Sale{world_.now() + world_.millis(-50, 300), std::nullopt, 2};
      if (world_.random.chance(0.2))
        product.terms.sale->closes_at = world_.now() + world_.millis(1'500, 6'000);
    }
    ask(std::move(product), UserId{}, true, [this](const Answer& answer) {
      if (made(answer)) products_.push_back(ProductId{answer.subject});
    });
  }
}

void WholeSale::seller_acts() {
  if (world_.calm) return;
  world_.after(world_.millis(40, 200), [this] { seller_acts(); });
  if (products_.empty()) return list_again();
  const ProductId id = world_.random.pick(products_);
  const Audit::Product& product = checker_.audit().products().at(id);
  if (world_.random.chance(0.4)) {
    ask(AdjustStock{id, world_.random.between(-3, 4), "count"}, UserId{}, world_.random.chance(0.5), {});
  } else if (world_.random.chance(0.5)) {
    ChangeProduct change{id, product.version, product.terms, product.texts};
    if (world_.random.chance(0.2)) --change.based_on;
    change.terms.price.amount += world_.random.between(-10, 10);
    ask(std::move(change), UserId{}, world_.random.chance(0.5), {});
  } else if (!bought_.empty()) {
    const auto [user, order] = world_.random.pick(bought_);
    const OrderState state = checker_.audit().orders().at(order).state;
    if (state < OrderState::paid || state >= OrderState::returned) return;
    if (world_.random.chance(0.2)) {
      ask(RefundOrder{order}, UserId{}, false, {});
      return;
    }
    const auto next = static_cast<OrderState>(static_cast<int>(state) + 1);
    const bool by_buyer = next == OrderState::return_requested;
    ask(MoveOrder{order, by_buyer ? user : UserId{}, next, "…"}, user, false, {});
  }
}

void WholeSale::list_again() {
  const bool waiting = std::any_of(asks_.begin(), asks_.end(), [](const AskPtr& each) {
    return !each->done && std::holds_alternative<ListProduct>(each->command.body);
  });
  if (!waiting) list_products();
}

// ---- Buyers ----

void WholeSale::buyer_acts(UserId user) {
  if (world_.calm) return;
  world_.after(world_.millis(5, 120), [this, user] { buyer_acts(user); });
  if (products_.empty()) return;
  if (!bought_.empty() && world_.random.chance(0.15)) {  // An order of long ago.
    const auto [owner, order] = world_.random.pick(bought_);
    return world_.random.chance(0.5) ? pay(owner, order) : cancel(owner, order);
  }
  if (!keyed_.empty() && world_.random.chance(0.1)) {  // A key of long ago, with its body or another.
    const AskPtr before = world_.random.pick(keyed_);
    Command again = before->command;
    const bool other = world_.random.chance(0.3);
    if (other) again.fingerprint = 2;
    expect_ = other ? 0 : before->subject;
    ask(std::move(again), before->user, true, {});
    expect_ = 0;
    return;
  }
  place_order(user);
}

void WholeSale::place_order(UserId user) {
  PlaceOrder wanted;
  wanted.user = user;
  wanted.payment_window = world_.millis(800, 1'500);
  const ProductId first = world_.random.pick(products_), second = world_.random.pick(products_);
  wanted.lines.push_back(WantedLine{first, world_.random.chance(0.8) ? 1 : 2});
  if (second != first && world_.random.chance(0.2)) wanted.lines.push_back(WantedLine{second, 1});
  const auto asked = std::make_shared<std::weak_ptr<Ask>>();
  *asked = ask(std::move(wanted), user, world_.random.chance(world_.faults.keyed),
               [this, user, asked](const Answer& answer) {
                 if (!made(answer)) return;
                 ordered(user, answer);
                 const AskPtr done = asked->lock();
                 if (done && done->command.key) keyed_.push_back(done);
               });
}

void WholeSale::ordered(UserId user, const Answer& answer) {
  const OrderId order{answer.subject};
  bought_.emplace_back(user, order);
  if (world_.random.chance(0.6)) read(user, order, place_of(answer));
  const double what = static_cast<double>(world_.random.between(0, 99)) / 100.0;
  if (what < 0.6)
    world_.after(world_.millis(0, 700), [this, user, order] { pay(user, order); });
  else if (what < 0.85)
    world_.after(world_.millis(0, 900), [this, user, order] { cancel(user, order); });
}

void WholeSale::read(UserId user, OrderId order, Place at_least) {
  Instance& instance = some_instance();
  world_.after(world_.millis(0, 3), [this, &instance, user, order, at_least] {
    instance.read(user, order, at_least, checker_.place());
  });
}

void WholeSale::cancel(UserId user, OrderId order) {
  ask(CancelOrder{order, user}, user, world_.random.chance(0.7), [this, user, order](const Answer& answer) {
    if (made(answer)) read(user, order, place_of(answer));
  });
}

// ---- Payments ----

void WholeSale::pay(UserId user, OrderId order) {
  const auto known = checker_.audit().orders().find(order);
  const bool was_declined =
      known != checker_.audit().orders().end() && known->second.payment == PaymentState::declined;
  const PaymentState before = was_declined ? PaymentState::declined : PaymentState::none;
  // An attempt binds no key: money that moved does.
  ask(StartPayment{order, user}, user, false, [this, user, order, before](const Answer& answer) {
    if (!answer.event) return;
    const auto* started = std::get_if<PaymentStarted>(&answer.event->event.fact);
    if (started == nullptr) return;  // Only where answers are wrong, and found so.
    read(user, order, answer.event->place);
    // The provider was not reached, and will not be.
    if (world_.strikes(world_.faults.provider_lost * 0.3))
      return settle(user, order, started->attempt, PaymentOutcome::declined, before);
    charge(user, order, started->attempt, checker_.audit().orders().at(order).total.amount);
  });
}

void WholeSale::charge(UserId user, OrderId order, AttemptId attempt, std::int64_t amount) {
  if (world_.strikes(world_.faults.provider_lost * 0.5)) return;
  const bool late = world_.strikes(world_.faults.provider_late);
  world_.after(world_.millis(1, late ? 2'000 : 60), [this, user, order, attempt, amount] {
    const PaymentOutcome outcome = provider_.charge(attempt, amount, world_.random.chance(0.2));
    if (world_.strikes(world_.faults.provider_lost)) return;  // Its answer: the resolver will ask.
    settle(user, order, attempt, outcome);
    if (world_.random.chance(0.1))
      world_.after(world_.millis(0, 300), [=, this] { settle(user, order, attempt, outcome); });
  });
}

void WholeSale::settle(UserId user, OrderId order, AttemptId attempt, PaymentOutcome outcome,
                       std::optional<PaymentState> back_to) {
  ask(SettlePayment{order, attempt, outcome, back_to}, user, false,
      [this, user, order](const Answer& answer) {
        if (made(answer)) read(user, order, place_of(answer));
      });
}

/// Asks the provider what became of attempts that are open for long, and gives money back that is owed; from
/// what any instance has followed.
void WholeSale::resolve_payments() {
  world_.after(world_.millis(80, 160), [this] { resolve_payments(); });
  Instance& instance = some_instance();
  if (!instance.alive() || instance.paused()) return;
  for (const auto& [order, open] : instance.open_payments()) {
    const auto [seen, fresh] = resolving_.try_emplace({open.attempt, open.refund}, world_.now());
    if (world_.now() - seen->second < (open.refund && fresh ? Millis(0) : Millis(350))) continue;
    seen->second = world_.now();
    if (open.refund) {
      provider_.refund(open.attempt, world_.bug == Bug::refund_twice);
      settle(open.user, order, open.attempt, PaymentOutcome::refunded);
    } else {
      settle(open.user, order, open.attempt, provider_.outcome(open.attempt));
    }
  }
}

}  // namespace market::sim
