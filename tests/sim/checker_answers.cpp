// What was told to whom, against what held at which place.
#include "tests/sim/checker.hpp"

namespace market::sim {
namespace {

constexpr Millis clock_slack{500};

template <class Map, class Key>
auto look(const Map& map, const Key& key, Place place) -> decltype(&map.begin()->second.front().second) {
  const auto found = map.find(key);
  if (found == map.end()) return nullptr;
  auto later = std::upper_bound(found->second.begin(), found->second.end(), place,
                                [](Place at, const auto& entry) { return at < entry.first; });
  return later == found->second.begin() ? nullptr : &std::prev(later)->second;
}

}  // namespace

void Checker::begins(Ask& ask) {
  ask.begun = true;
  ask.begun_at = world_.now();
  ask.place_before = last_;
  if (const auto* wanted = std::get_if<PlaceOrder>(&ask.command.body))
    ask.ticket_before = highest_ticket_heard_[wanted->lines.front().product];
}

void Checker::sends(Request& request) {
  if (!request.ask->begun) begins(*request.ask);
  asks_of_numbers_.push_back(request.ask);
  request.command.id = CommandId{7, world_.seed, asks_of_numbers_.size()};
  request.sent = world_.now();
  request.place_before = last_;
}

bool Checker::order_refused_at(const PlaceOrder& wanted, Code code, Place place, Instant from) const {
  for (const WantedLine& line : wanted.lines) {
    const TermsView* product = look(terms_, line.product, place);
    if (product == nullptr) return code == Code::product_not_found;
    const std::int64_t left = *look(remaining_, line.product, place);
    const auto* units = look(units_, std::pair(wanted.user, line.product), place);
    const auto& sale = product->terms.sale;
    switch (code) {
      case Code::sold_out:
        if (left == 0) return true;
        break;
      case Code::insufficient_stock:
        if (left < line.quantity) return true;
        break;
      case Code::limit_exceeded:
        if (sale && sale->per_user_limit &&
            (units == nullptr ? 0 : *units) + line.quantity > *sale->per_user_limit)
          return true;
        break;
      case Code::sale_not_open:
        if (sale && from - clock_slack < sale->opens_at) return true;
        break;
      case Code::sale_closed:
        if (sale && sale->closes_at && world_.now() + clock_slack >= *sale->closes_at) return true;
        break;
      case Code::product_not_found:
        if (product->terms.withdrawn) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

bool Checker::true_at(const Command& command, Code code, Place place, Instant from) const {
  if (code == Code::idempotency_mismatch) {
    const auto bound = keys_.find(command.key);
    return bound != keys_.end();
  }
  if (const auto* wanted = std::get_if<PlaceOrder>(&command.body))
    return order_refused_at(*wanted, code, place, from);
  if (const auto* change = std::get_if<ChangeProduct>(&command.body)) {
    const TermsView* product = look(terms_, change->product, place);
    return code == Code::precondition_failed && product != nullptr && product->version != change->based_on;
  }
  if (const auto* adjust = std::get_if<AdjustStock>(&command.body)) {
    const auto* left = look(remaining_, adjust->product, place);
    return code == Code::insufficient_stock && left != nullptr && *left + adjust->delta < 0;
  }
  const OrderView* order = look(orders_, order_of(command), place);
  if (order == nullptr) return code == Code::order_not_found;
  const bool pending = order->payment == PaymentState::pending;
  if (code == Code::order_not_payable)
    return order->state != OrderState::accepted || pending || world_.now() + clock_slack >= order->pay_by;
  if (code == Code::order_not_cancellable)
    return pending || (order->state != OrderState::accepted && order->state != OrderState::paid &&
                       order->state != OrderState::preparing);
  const auto* move = std::get_if<MoveOrder>(&command.body);
  if (move != nullptr && move->user && order->state == OrderState::delivered &&
      code == Code::order_not_returnable)
    return world_.now() + clock_slack >= order->updated_at + return_window;
  if (code == Code::order_not_refundable)
    return order->state < OrderState::shipped || order->state > OrderState::return_requested;
  if (move != nullptr)
    return code == (move->user ? Code::order_not_returnable : Code::order_not_movable) &&
           (order->payment != PaymentState::paid || order->state > OrderState::returned ||
            order->state < OrderState::paid ||
            static_cast<int>(move->state) != static_cast<int>(order->state) + 1);
  return false;
}

void Checker::check_event(const Request& request, const Answer& answer) {
  const Place place = answer.event->place;
  if (place > last_) return world_.violated("answered by an event that does not count yet");
  const Event& counted = event_at(place).event;
  if (counted.command != request.command.id)
    world_.violated(fmt::format("the answer is place {}, which is another's", place));
}

void Checker::answered(const Request& request, const Answer& answer) {
  if (answer.event) check_event(request, answer);
  switch (answer.kind) {
    case Answer::Kind::not_taken:
      dead_numbers_.insert(request.command.id.number);
      if (counted_numbers_.contains(request.command.id.number))
        world_.violated("a command made an event, and was not taken");
      return;
    case Answer::Kind::replayed: {
      const auto bound = keys_.find(request.command.key);
      if (bound == keys_.end() || bound->second != answer.subject)
        world_.violated("a replay names what its key is not bound to");
      return;
    }
    case Answer::Kind::refused: {
      // What another copy was told is told again: it held since the first copy.
      const bool settled = settled_.contains(request.ask->request);
      const Place from = settled ? request.ask->place_before : request.place_before;
      for (Place place = from; place <= last_; ++place)
        if (true_at(request.command, answer.code, place, settled ? request.ask->begun_at : request.sent))
          return;
      world_.violated(fmt::format("command {}: refusal {} was not true at any place from {} to {}",
                                  request.command.id.number, static_cast<int>(answer.code), from, last_));
      return;
    }
    default:
      return;
  }
}

void Checker::heard(Ask& ask, const Answer& answer) {
  if (answer.kind == Answer::Kind::refused) {
    ask.refused = true;
    if (ask.subject != 0) world_.violated("what a key is bound to was refused");
    if (ask.effects > 0)
      world_.violated(fmt::format("command of kind {}: done, and refused all the same: {}",
                                  ask.command.body.index(), static_cast<int>(answer.code)));
    return;
  }
  if (answer.kind != Answer::Kind::event && answer.kind != Answer::Kind::replayed) return;
  if (ask.subject != 0 && ask.subject != answer.subject) world_.violated("one key, two answers");
  ask.subject = answer.subject;
  const auto* wanted = std::get_if<PlaceOrder>(&ask.command.body);
  if (wanted == nullptr) return;
  const auto order = audit_.orders().find(OrderId{answer.subject});
  if (order == audit_.orders().end()) return world_.violated("an order was answered that does not exist");
  if (order->second.user != wanted->user || order->second.lines.size() != wanted->lines.size())
    return world_.violated("an order was answered that is another's");
  const OrderLine& line = order->second.lines.front();
  auto& highest = highest_ticket_heard_[line.product];
  if (order->second.state == OrderState::accepted) highest = std::max(highest, line.ticket);
}

}  // namespace market::sim
