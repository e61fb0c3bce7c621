#include "tests/sim/checker.hpp"

#include "tests/sim/provider.hpp"
#include "tests/sim/sim_records.hpp"
#include "tests/sim/sim_redis.hpp"
#include "wire/events/record_codec.hpp"

namespace market::sim {
namespace {

constexpr Millis clock_slack{500};  ///< Clocks of instances differ by less.

template <class Value>
const Value* value_at(const std::vector<std::pair<Place, Value>>& history, Place place) {
  auto later = std::upper_bound(history.begin(), history.end(), place,
                                [](Place at, const auto& entry) { return at < entry.first; });
  return later == history.begin() ? nullptr : &std::prev(later)->second;
}

template <class Map, class Key>
auto look(const Map& map, const Key& key, Place place) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : value_at(found->second, place);
}

bool moves_on(OrderState from, OrderState to) {
  return static_cast<int>(to) == static_cast<int>(from) + 1 && from >= OrderState::paid &&
         to <= OrderState::returned;
}

/// Whether an order's history allows this event next (I14).
bool may_follow(const Fact& fact, Instant at, const Order& order) {
  const OrderState state = order.state;
  const PaymentState payment = order.payment;
  if (const auto* paid = std::get_if<OrderPaid>(&fact))
    return payment == PaymentState::pending && paid->attempt == order.attempt &&
           state == (paid->retaken ? OrderState::expired : OrderState::accepted);
  if (std::holds_alternative<OrderVoided>(fact)) return state == OrderState::accepted;
  if (std::holds_alternative<PaymentStarted>(fact))
    return state == OrderState::accepted && payment != PaymentState::pending;
  if (std::holds_alternative<PaymentDeclined>(fact)) return payment == PaymentState::pending;
  if (const auto* owed = std::get_if<RefundOwed>(&fact))
    return owed->state == state &&
           (payment == PaymentState::pending
                ? state != OrderState::accepted
                : payment == PaymentState::paid && owed->attempt == order.attempt &&
                      (state == OrderState::shipped || state == OrderState::delivered ||
                       state == OrderState::return_requested));
  if (std::holds_alternative<Refunded>(fact)) return payment == PaymentState::refunding;
  if (const auto* cancelled = std::get_if<OrderCancelled>(&fact))
    return (state == OrderState::accepted || state == OrderState::paid || state == OrderState::preparing) &&
           payment != PaymentState::pending &&
           cancelled->refund == (payment == PaymentState::paid ? order.attempt : AttemptId{});
  if (const auto* moved = std::get_if<OrderMoved>(&fact))
    return moves_on(state, moved->state) && payment == PaymentState::paid &&
           (moved->state != OrderState::return_requested || at < order.updated_at + Checker::return_window);
  return false;
}

}  // namespace

// ---- The log ----

bool Checker::counts(const wire::Record& record) {
  if (const auto* open = std::get_if<wire::Open>(&record)) {
    if (open->after != term_ || open->nonce == term_) return false;
    term_ = open->nonce;
    if (!log_) log_ = open->log;
    ++opens_;
    return true;
  }
  const auto& head = std::get<wire::Group>(record).head;
  if (head.term != term_ || term_ == 0 || head.first != last_ + 1 || head.count == 0) return false;
  last_ += head.count;
  return true;
}

void Checker::see(Offset offset, const std::string& bytes) {
  const auto record = wire::decode_record(bytes);
  bool sampled = false;
  if (!record) {
    world_.violated("a record of the log cannot be read");
  } else if (!counts(*record)) {
    ++ghosts_;
  } else if (const auto* group = std::get_if<wire::Group>(&*record)) {
    const auto events = wire::decode_events(*group);
    if (!events) return world_.violated("a group of the log cannot be read");
    for (const CountedEvent& counted : *events) count(std::make_shared<const CountedEvent>(counted));
    sampled = offset % 16 == 0;
  } else {
    sampled = true;
  }
  if (sampled)
    for (const Audit::Finding& finding : audit_.findings())
      if (!finding.violation.empty())
        world_.violated(fmt::format("{}: {}", finding.invariant, finding.violation));
  points_.push_back(Point{last_, term_, sampled ? state_hash(reference_) : 0});
}

void Checker::count(const std::shared_ptr<const CountedEvent>& counted) {
  const Event& event = counted->event;
  events_.push_back(counted);
  if (event.at < last_at_) world_.violated(fmt::format("time goes back at place {}", counted->place));
  last_at_ = event.at;
  const OrderId id = order_of(event.fact);
  const auto known = audit_.orders().find(id);
  const std::optional<Order> before =
      known == audit_.orders().end() ? std::nullopt : std::optional<Order>(known->second);
  if (id && !std::holds_alternative<OrderAccepted>(event.fact))
    count_order(*counted, before ? &*before : nullptr);
  count_command(event);
  if (event.key) keys_.emplace(event.key, id ? id.value : product_of(event.fact).value);
  if (const auto* refused = std::get_if<Refused>(&event.fact)) {
    settled_.insert(refused->request);
    ++refused_events_;
  }
  audit_.see(*counted);
  if (!apply(reference_, event)) world_.violated(fmt::format("place {} changes nothing", counted->place));
  remember(*counted);
}

void Checker::count_order(const CountedEvent& counted, const Order* before) {
  const Fact& fact = counted.event.fact;
  if (before == nullptr || !may_follow(fact, counted.event.at, *before))
    return world_.violated(fmt::format(
        "place {}: fact {} may not follow in the history of order {}, which is {} and {}", counted.place,
        fact.index(), order_of(fact).value, before ? text_of(before->state) : "unknown",
        before ? text_of(before->payment) : "unknown"));
  if (std::holds_alternative<OrderVoided>(fact) && world_.now() + clock_slack < before->pay_by)
    world_.violated(fmt::format("order {} expires before its time", before->id.value));
}

/// Nothing comes from nowhere, and nothing happens twice.
void Checker::count_command(const Event& event) {
  if (!event.command) {
    const bool own = std::holds_alternative<OrderVoided>(event.fact) ||
                     std::holds_alternative<Barrier>(event.fact) ||
                     std::holds_alternative<GraceGranted>(event.fact);
    if (!own) world_.violated("an event that nobody asked for");
    return;
  }
  const std::uint64_t number = event.command.number;
  if (number > asks_of_numbers_.size()) return world_.violated("an event of an unknown command");
  if (!counted_numbers_.insert(number).second) world_.violated("a command made two events");
  if (dead_numbers_.contains(number)) world_.violated("an event of a command that was not taken");
  if (std::holds_alternative<Refused>(event.fact)) return;
  Ask& ask = *asks_of_numbers_[number - 1];
  if (++ask.effects > 1) world_.violated("what was asked once was done twice");
  if (ask.refused) world_.violated("refused, and done all the same");
  const auto* wanted = std::get_if<PlaceOrder>(&ask.command.body);
  const auto* accepted = std::get_if<OrderAccepted>(&event.fact);
  if ((wanted != nullptr) != (accepted != nullptr)) return world_.violated("another thing was asked for");
  if (wanted == nullptr) return;
  bool same = accepted->user == wanted->user && accepted->lines.size() == wanted->lines.size();
  for (std::size_t i = 0; same && i < wanted->lines.size(); ++i)
    same = accepted->lines[i].product == wanted->lines[i].product &&
           accepted->lines[i].quantity == wanted->lines[i].quantity;
  if (!same) world_.violated("an order that nobody asked for");
  if (accepted->lines.front().ticket != 0 && accepted->lines.front().ticket <= ask.ticket_before)
    world_.violated("a ticket is not behind one that was answered before the order was sent");
}

void Checker::remember(const CountedEvent& counted) {
  const Place place = counted.place;
  const Fact& fact = counted.event.fact;
  const auto touch = [&](ProductId id, UserId user) {
    const Audit::Product& product = audit_.products().at(id);
    remaining_[id].emplace_back(place, product.remaining);
    if (!user) return;
    const auto buyer = product.buyers.find(user);
    units_[{user, id}].emplace_back(place, buyer == product.buyers.end() ? 0 : buyer->second);
  };
  if (const ProductId id = product_of(fact)) {
    touch(id, UserId{});
    const Audit::Product& product = audit_.products().at(id);
    terms_[id].emplace_back(place, TermsView{product.version, product.terms});
  }
  const OrderId id = order_of(fact);
  const auto order = audit_.orders().find(id);
  if (!id || order == audit_.orders().end()) return;
  places_of_[id].push_back(place);
  orders_[id].emplace_back(place, OrderView{order->second.state, order->second.payment, order->second.pay_by,
                                            order->second.updated_at});
  for (const OrderLine& line : order->second.lines) touch(line.product, order->second.user);
}

void Checker::followed(int instance, Offset offset, const sale::Sequencer& sequencer) {
  const Point& point = points_[static_cast<std::size_t>(offset)];
  const sale::LogRule::Point& at = sequencer.end().point;
  if (at.last != point.place || at.term != point.term)
    return world_.violated(fmt::format("instance {} counts to place {} at offset {}, the log to {}", instance,
                                       at.last, offset, point.place));
  if (point.hash != 0 && !sequencer.in_flight() && state_hash(sequencer.state()) != point.hash)
    world_.violated(fmt::format("instance {} has another state at place {}", instance, at.last));
}

std::optional<Order> Checker::order_at(OrderId id, Place place) const {
  const auto places = places_of_.find(id);
  if (places == places_of_.end() || places->second.front() > place) return std::nullopt;
  Order order = accepted_order(event_at(places->second.front()));
  for (const Place each : places->second)
    if (each <= place) fold_order(order, event_at(each));
  return order;
}

void Checker::folded(const SimRecords& records, Place from) {
  const Place place = records.stored_place();
  if (place > last_) return world_.violated("the records hold what does not count");
  if (place < from) return world_.violated("the records go back");
  for (Place at = from + 1; at <= place; ++at) {
    const OrderId id = order_of(event_at(at).event.fact);
    if (!id) continue;
    const auto row = records.rows().find(id);
    if (row == records.rows().end() || *row->second != order_at(id, place))
      return world_.violated(fmt::format("the row of order {} is not its fold", id.value));
  }
  for (const auto& [id, remaining] : records.remaining())
    if (const auto* known = look(remaining_, id, place); known == nullptr || *known != remaining)
      return world_.violated("the records' stock is not the fold");
}

void Checker::board_shows(const StockLine& line) {
  if (const auto* known = look(remaining_, line.product, line.place);
      known == nullptr || *known != line.remaining)
    world_.violated(fmt::format("the board is not the fold at place {}", line.place));
  Place& newest = board_[line.product];
  if (line.place < newest) world_.violated("the board goes back");
  newest = line.place;
}

void Checker::stock_is_shown(int instance, ProductId id, std::int64_t remaining, Place place) {
  const auto* own = look(remaining_, id, place);
  if (own != nullptr && *own == remaining) return;
  for (const auto& [at, later] : remaining_[id])
    if (at > place && later == remaining) return;
  world_.violated(fmt::format("instance {} shows a stock that was none since place {}", instance, place));
}

void Checker::read(int instance, OrderId id, const Result<OrderPtr>& answer, Place at_least) {
  if (!answer) {
    if (answer.error().code == Code::order_not_found)
      world_.violated(fmt::format("instance {} denies order {}, which was answered", instance, id.value));
    return;
  }
  const auto fold = order_at(id, (*answer)->place);
  if (!fold || *fold != **answer)
    return world_.violated(fmt::format("order {} is shown as it never was", id.value));
  if ((*answer)->place < at_least)
    world_.violated(fmt::format("order {} is shown older than it was answered", id.value));
}

void Checker::finish(const SimRecords& records, const SimRedis& redis, const Provider& provider) {
  if (records.stored_place() != last_) world_.violated("the records have not caught up");
  std::int64_t money = 0;
  for (const auto& [id, order] : audit_.orders()) {
    if (has_open_work(order.state, order.payment))
      world_.violated(fmt::format("order {} is {} and {} at the end", id.value, text_of(order.state),
                                  text_of(order.payment)));
    if (order.payment == PaymentState::paid) money += order.total.amount;
    const auto row = records.rows().find(id);
    if (row == records.rows().end() || *row->second != order)
      world_.violated("the records are not the fold of the log");
  }
  for (const Audit::Finding& finding : audit_.findings())
    if (!finding.violation.empty())
      world_.violated(fmt::format("{}: {}", finding.invariant, finding.violation));
  if (records.rows().size() != audit_.orders().size()) world_.violated("the records have other orders");
  for (const auto& [id, product] : audit_.products()) {
    const auto line = redis.lines().find(id);
    if (line == redis.lines().end() || line->second.remaining != product.remaining)
      world_.violated("the board is not the fold of the log at the end");
  }
  if (money != provider.kept()) world_.violated("the orders' money is not what the provider kept");
  SaleState again;
  for (const auto& counted : events_) apply(again, counted->event);
  if (state_hash(again) != state_hash(reference_)) world_.violated("the log folds to two states");
  if (const std::string wrong = audit_.difference(reference_); !wrong.empty()) world_.violated(wrong);
  if (reference_.numbers.oversell_prevented != 0)
    world_.violated("an oversell was prevented at the last net");
}

}  // namespace market::sim
