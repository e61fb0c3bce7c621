/// decide() and apply() against a plain model, by RapidCheck: random lists of commands with crashes between
/// them; a failure shrinks to a short list.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <cstdlib>
#include <map>

#include "domain/sale/apply.hpp"
#include "domain/sale/audit.hpp"
#include "domain/sale/decide.hpp"

namespace market::sim {
namespace {

constexpr std::int64_t window = 50, attempt_bound = 20, limit = 3, opens = 20, closes = 400;
const DecideRules rules{Millis(attempt_bound), Millis(1'000)};

struct ModelOrder {
  int id = 0, user = 0, quantity = 0;
  char state = 'a';    ///< accepted, paid, expired, cancelled
  char payment = '-';  ///< - none, pending, Paid, declined, owed
  std::int64_t pay_by = 0, price = 0;
  char before = '-';  ///< The payment, before the attempt that is pending.
};

/// What a shopkeeper would write on paper.
struct Model {
  std::int64_t now = 0, capacity = 5, left = 5, next_ticket = 1;
  std::map<int, ModelOrder> orders;
  std::map<int, int> keys;  ///< key -> order
  bool up = true;
  int next_order = 1;
  int held_by(int user) const {
    int units = 0;
    for (const auto& [id, order] : orders)
      if (order.user == user && (order.state == 'a' || order.state == 'p')) units += order.quantity;
    return units;
  }
};

/// The engine and its log. Ids are the engine's own: the model counts orders 1, 2, 3 ….
struct Engine {
  SaleState state;
  std::vector<Event> log;
  UndoLog undo_log;
  std::int64_t now = 0;
  std::map<int, OrderId> ids;
  std::map<int, AttemptId> attempts;  ///< The newest one of each order.

  Engine() {
    ListProduct list;
    list.terms.price.amount = 700;
    list.terms.kind = ProductKind::event;
    list.terms.sale = Sale{Instant(Millis(opens)), Instant(Millis(closes)), static_cast<std::int32_t>(limit)};
    list.stock = 5;
    do_it(list);
  }
  ProductId product() const { return state.products.front().id; }
  OrderId id_of(int order) const {
    const auto known = ids.find(order);
    return known == ids.end() ? OrderId{1} : known->second;
  }
  /// Each event is taken back once, and then applied for good: undo(apply(s, e)) == s.
  Decision do_it(const Command& command) {
    Decision decision = decide(state, command, Instant(Millis(now)), rules);
    if (const auto* event = std::get_if<Event>(&decision)) {
      const std::uint64_t before = state_hash(state);
      undo_log.begin(state);
      RC_ASSERT(apply(state, *event, &undo_log));
      undo(state, undo_log);
      RC_ASSERT(state_hash(state) == before);
      RC_ASSERT(apply(state, *event));
      log.push_back(*event);
    }
    return decision;
  }
  SaleState folded() const {
    SaleState fresh;
    for (const Event& event : log) apply(fresh, event);
    return fresh;
  }
  Audit audited() const {
    Audit audit;
    Place place = 0;
    for (const Event& event : log) audit.see(CountedEvent{++place, event});
    return audit;
  }
};

using Step = rc::state::Command<Model, Engine>;

Code code_of(const Decision& decision) {
  const auto* error = std::get_if<Error>(&decision);
  return error ? error->code : Code::internal;
}

/// After each step both must tell the same.
void compare(const Model& model, const Engine& engine) {
  const SaleProduct& held = engine.state.products.front();
  RC_ASSERT(held.stock.remaining == model.left);
  RC_ASSERT(held.stock.capacity == model.capacity);
  RC_ASSERT(held.stock.next_ticket == model.next_ticket);
  RC_ASSERT(engine.state.orders.size() == model.orders.size());
  const Audit audit = engine.audited();
  for (const Audit::Finding& finding : audit.findings()) RC_ASSERT(finding.violation == "");
  RC_ASSERT(audit.difference(engine.state) == "");
  std::int64_t money = 0, model_money = 0;
  for (const auto& [id, order] : model.orders) {
    const OpenOrder& row = *engine.state.orders.find(engine.id_of(id));
    RC_ASSERT(text_of(row.state).front() == order.state ||
              (order.state == 'e' && row.state == OrderState::expired));
    const Order& whole = audit.orders().at(engine.id_of(id));
    if (whole.payment == PaymentState::paid) money += whole.total.amount;
    if (order.payment == 'P') model_money += order.price * order.quantity;
    if (model.held_by(order.user) > 0)
      RC_ASSERT(engine.state.units_of(UserId{order.user}, 0) == model.held_by(order.user));
  }
  RC_ASSERT(money == model_money);
}

struct OnlyWhenUp : Step {
  void checkPreconditions(const Model& model) const override { RC_PRE(model.up); }
};

struct Reserve : OnlyWhenUp {
  int user = *rc::gen::inRange(1, 4);
  int quantity = *rc::gen::inRange(1, 4);
  int key = *rc::gen::inRange(0, 6);  ///< 0: none
  int body = *rc::gen::inRange(1, 3);
  enum class Outcome { accepted, replayed, mismatch, early, late, sold_out, over_limit, too_few };

  Outcome expected(const Model& model) const {
    const auto bound = model.keys.find(full_key());
    if (key != 0 && bound != model.keys.end())
      return bound->second % 10 == body ? Outcome::replayed : Outcome::mismatch;
    if (model.now < opens) return Outcome::early;
    if (model.now >= closes) return Outcome::late;
    if (model.left == 0) return Outcome::sold_out;
    if (model.held_by(user) + quantity > limit) return Outcome::over_limit;
    return model.left < quantity ? Outcome::too_few : Outcome::accepted;
  }
  int full_key() const { return user * 100 + key; }
  void apply(Model& model) const override {
    const Outcome outcome = expected(model);
    const int id = model.next_order++;
    if (outcome != Outcome::accepted) return;
    model.orders[id] = ModelOrder{id, user, quantity, 'a', '-', model.now + window, 700};
    if (key != 0) model.keys[full_key()] = id * 10 + body;
    model.left -= quantity;
    ++model.next_ticket;
  }
  void run(const Model& model, Engine& engine) const override {
    PlaceOrder place;
    place.user = UserId{user};
    place.payment_window = Millis(window);
    place.lines.push_back(WantedLine{engine.product(), quantity});
    market::Command command = place;
    if (key != 0) command.key = RequestKey{7, static_cast<std::uint64_t>(full_key())};
    command.fingerprint = static_cast<std::uint64_t>(body);
    const Decision decision = engine.do_it(command);
    switch (expected(model)) {
      case Outcome::accepted: {
        RC_ASSERT(std::holds_alternative<Event>(decision));
        const auto& order = std::get<OrderAccepted>(std::get<Event>(decision).fact);
        engine.ids[model.next_order] = order.order;
        RC_ASSERT(order.lines[0].ticket == model.next_ticket);
        RC_ASSERT(order.total.amount == 700 * quantity);
        RC_ASSERT(order.pay_by == Instant(Millis(model.now + window)));
        break;
      }
      case Outcome::replayed:
        RC_ASSERT(std::get<Replayed>(decision).subject == engine.id_of(model.keys.at(full_key()) / 10).value);
        break;
      case Outcome::mismatch:
        RC_ASSERT(code_of(decision) == Code::idempotency_mismatch);
        break;
      case Outcome::early:
        RC_ASSERT(code_of(decision) == Code::sale_not_open);
        break;
      case Outcome::late:
        RC_ASSERT(code_of(decision) == Code::sale_closed);
        break;
      case Outcome::sold_out:
        RC_ASSERT(code_of(decision) == Code::sold_out);
        break;
      case Outcome::over_limit:
        RC_ASSERT(code_of(decision) == Code::limit_exceeded);
        break;
      case Outcome::too_few:
        RC_ASSERT(code_of(decision) == Code::insufficient_stock);
    }
    compare(nextState(model), engine);
  }
  void show(std::ostream& out) const override {
    out << "Reserve(user " << user << ", " << quantity << " units, key " << key << ", body " << body << ")";
  }
};

/// A command about one of the orders placed so far, or about one that never was.
struct AboutOrder : OnlyWhenUp {
  int which = *rc::gen::inRange(1, 12);
  const ModelOrder* find(const Model& model) const {
    const auto found = model.orders.find(which);
    return found == model.orders.end() ? nullptr : &found->second;
  }
};

struct Pay : AboutOrder {
  static bool allowed(const Model& model, const ModelOrder& order) {
    return order.state == 'a' && order.payment != 'p' && model.now < order.pay_by;
  }
  void apply(Model& model) const override {
    if (!find(model) || !allowed(model, *find(model))) return;
    ModelOrder& order = model.orders[which];
    order.before = order.payment;
    order.payment = 'p';
  }
  void run(const Model& model, Engine& engine) const override {
    const ModelOrder* order = find(model);
    const UserId user{order ? order->user : 1};
    const Decision decision = engine.do_it(StartPayment{engine.id_of(which), user});
    RC_ASSERT(std::holds_alternative<Event>(decision) == (order && allowed(model, *order)));
    if (const auto* event = std::get_if<Event>(&decision))
      engine.attempts[which] = std::get<PaymentStarted>(event->fact).attempt;
    if (!order) RC_ASSERT(code_of(decision) == Code::order_not_found);
    compare(nextState(model), engine);
  }
  void show(std::ostream& out) const override { out << "Pay(" << which << ")"; }
};

struct Confirm : AboutOrder {
  bool captured = *rc::gen::weightedElement<bool>({{3, true}, {1, false}});
  bool was_asked = *rc::gen::arbitrary<bool>();  ///< Else nobody was charged, and no card declined.
  void apply(Model& model) const override {
    if (!find(model) || find(model)->payment != 'p') return;
    ModelOrder& order = model.orders[which];
    if (!captured) {
      order.payment = was_asked ? 'd' : order.before;
    } else if (order.state == 'a') {
      order.state = 'p';
      order.payment = 'P';
    } else if (model.left >= order.quantity && model.held_by(order.user) + order.quantity <= limit) {
      order.state = 'p';  // Late money, and there are units: they are taken again.
      order.payment = 'P';
      model.left -= order.quantity;
      ++model.next_ticket;
    } else {
      order.payment = 'o';
    }
  }
  void run(const Model& model, Engine& engine) const override {
    const auto attempt = engine.attempts.find(which);
    SettlePayment settle{engine.id_of(which),
                         attempt == engine.attempts.end() ? AttemptId{1} : attempt->second,
                         captured ? PaymentOutcome::captured : PaymentOutcome::declined};
    const ModelOrder* order = find(model);
    const bool was_declined = order != nullptr && order->before == 'd';
    if (!captured && !was_asked) settle.back_to = was_declined ? PaymentState::declined : PaymentState::none;
    engine.do_it(settle);
    if (order != nullptr && settle.back_to)
      RC_ASSERT(engine.state.orders.find(settle.order)->payment == *settle.back_to);
    compare(nextState(model), engine);
  }
  void checkPreconditions(const Model& model) const override {
    RC_PRE(model.up && (!find(model) || find(model)->payment == 'p'));
  }
  void show(std::ostream& out) const override {
    out << "Confirm(" << which << (captured ? ", captured)" : was_asked ? ", declined)" : ", not charged)");
  }
};

struct Cancel : AboutOrder {
  bool stranger = *rc::gen::weightedElement<bool>({{1, true}, {5, false}});
  bool allowed(const ModelOrder& order) const {
    return !stranger && (order.state == 'a' || order.state == 'p') && order.payment != 'p';
  }
  void apply(Model& model) const override {
    if (!find(model) || !allowed(*find(model))) return;
    ModelOrder& order = model.orders[which];
    if (order.payment == 'P') order.payment = 'o';
    order.state = 'c';
    model.left += order.quantity;
  }
  void run(const Model& model, Engine& engine) const override {
    const ModelOrder* order = find(model);
    const UserId user{(order ? order->user : 1) + (stranger ? 1 : 0)};
    const Decision decision = engine.do_it(CancelOrder{engine.id_of(which), user});
    RC_ASSERT(std::holds_alternative<Event>(decision) == (order && allowed(*order)));
    if (stranger) RC_ASSERT(code_of(decision) == Code::order_not_found);
    compare(nextState(model), engine);
  }
  void show(std::ostream& out) const override {
    out << "Cancel(" << which << (stranger ? ", by a stranger)" : ")");
  }
};

struct Expire : AboutOrder {
  static bool due(const Model& model, const ModelOrder& order) {
    return order.state == 'a' && model.now >= order.pay_by + (order.payment == 'p' ? attempt_bound : 0);
  }
  void apply(Model& model) const override {
    if (!find(model) || !due(model, *find(model))) return;
    model.orders[which].state = 'e';
    model.left += find(model)->quantity;
  }
  void run(const Model& model, Engine& engine) const override {
    const ModelOrder* order = find(model);
    const Decision decision = engine.do_it(ExpireOrder{engine.id_of(which)});
    RC_ASSERT(std::holds_alternative<Event>(decision) == (order && due(model, *order)));
    compare(nextState(model), engine);
  }
  void show(std::ostream& out) const override { out << "Expire(" << which << ")"; }
};

struct Restock : OnlyWhenUp {
  int by = *rc::gen::inRange(-3, 4);
  void apply(Model& model) const override {
    if (model.left + by < 0) return;
    model.capacity += by;
    model.left += by;
  }
  void run(const Model& model, Engine& engine) const override {
    const Decision decision = engine.do_it(AdjustStock{engine.product(), by, "count"});
    RC_ASSERT((code_of(decision) == Code::insufficient_stock) == (model.left + by < 0));
    compare(nextState(model), engine);
  }
  void show(std::ostream& out) const override { out << "Restock(" << by << ")"; }
};

struct Tick : Step {
  int by = *rc::gen::inRange(1, 40);
  void apply(Model& model) const override { model.now += by; }
  void run(const Model&, Engine& engine) const override { engine.now += by; }
  void show(std::ostream& out) const override { out << "Tick(" << by << ")"; }
};

/// All that is in memory is gone; the log stays.
struct Crash : OnlyWhenUp {
  void apply(Model& model) const override { model.up = false; }
  void run(const Model&, Engine& engine) const override { engine.state = {}; }
  void show(std::ostream& out) const override { out << "Crash"; }
};

struct Restart : Step {
  void checkPreconditions(const Model& model) const override { RC_PRE(!model.up); }
  void apply(Model& model) const override { model.up = true; }
  void run(const Model& model, Engine& engine) const override {
    engine.state = engine.folded();
    RC_ASSERT(state_hash(engine.state) == state_hash(engine.folded()));
    RC_ASSERT(engine.state.keys.size() == model.keys.size());
    compare(nextState(model), engine);
  }
  void show(std::ostream& out) const override { out << "Restart"; }
};

// More lists than RapidCheck's own 100, unless somebody asks otherwise (read before the first property runs).
const int configured = ::setenv("RC_PARAMS", "max_success=2000", 0);

RC_GTEST_PROP(EngineModel, TheEngineAndThePlainModelTellTheSame, ()) {
  RC_PRE(configured == 0);
  Engine engine;
  rc::state::check(Model(), engine,
                   rc::state::gen::execOneOfWithArgs<Reserve, Reserve, Pay, Confirm, Confirm, Cancel, Expire,
                                                     Restock, Tick, Tick, Crash, Restart>());
}

}  // namespace
}  // namespace market::sim
