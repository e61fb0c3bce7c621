#pragma once
/// A sale in memory behind the ports that services use: a gate that decides with the real rules, and boards
/// and readers that show what it has decided. No log: what is decided counts. It fails as the real one does
/// when a test asks it to.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <vector>

#include "domain/sale/apply.hpp"
#include "domain/sale/decide.hpp"
#include "domain/sale/fold_order.hpp"
#include "ports/log_follower.hpp"
#include "ports/order_reader.hpp"
#include "ports/sale_gate.hpp"
#include "tests/support/fixed_board.hpp"

namespace market::tests {

class BoardGate final : public SaleGate, public OrderReader {
 public:
  explicit BoardGate(const Clock& clock, FixedBoard::Render render = {})
      : board(std::move(render)), clock_(clock) {}

  Task<Submitted> submit(Command command) override {
    ++submits;
    if (before_decide) before_decide();
    if (gate_failure) co_return fail(*gate_failure, "asked for");
    if (lost_settlements > 0 && std::holds_alternative<SettlePayment>(command.body)) {
      --lost_settlements;
      co_return fail(Code::unavailable, "lost");
    }
    if (keys_bound_elsewhere && command.key) co_return fail(Code::idempotency_mismatch, "asked for");
    co_return decided(command);
  }
  bool decides_here() const override { return decides; }
  Task<OrderPtr> find(UserId user, OrderId id) override {
    if (reader_failure) co_return fail(*reader_failure, "asked for");
    const auto found = orders.find(id);
    if (found == orders.end() || found->second.user != user)
      co_return fail(Code::order_not_found, "no such order");
    co_return std::make_shared<const Order>(found->second);
  }
  Task<FoundPage> list(UserId user, OrderFilter filter) override {
    if (reader_failure) co_return fail(*reader_failure, "asked for");
    FoundPage page;
    for (auto at = orders.rbegin(); at != orders.rend(); ++at) {
      if (at->second.user != user || (filter.before && at->first >= filter.before) ||
          (filter.state && at->second.state != *filter.state))
        continue;
      if (page.orders.size() == static_cast<std::size_t>(filter.limit)) {
        page.next = page.orders.back()->id;
        break;
      }
      page.orders.push_back(std::make_shared<const Order>(at->second));
    }
    co_return page;
  }

  /// Decides and counts at once, as the log's other writers do.
  Result<Submitted> decided(const Command& command) {
    Decision decision = decide(state, command, clock_.now(), rules);
    if (auto* error = std::get_if<Error>(&decision)) return fail(std::move(*error));
    Submitted submitted;
    submitted.subject = order_of(command).value;
    if (const auto* replayed = std::get_if<Replayed>(&decision)) {
      submitted.replayed = true;
      submitted.subject = replayed->subject;
    }
    if (auto* event = std::get_if<Event>(&decision)) submitted.event = count(std::move(*event), submitted);
    if (const SaleProduct* product = state.product(submitted.product())) submitted.stock = product->stock;
    return submitted;
  }

  FixedBoard board;
  SaleState state;
  DecideRules rules;
  std::map<OrderId, Order> orders;
  std::vector<LogFollower*> followers;

  std::optional<Code> gate_failure, reader_failure;
  bool keys_bound_elsewhere = false;  ///< By what the board has forgotten.
  int lost_settlements = 0;           ///< How many of the next settlements never reach the log.
  std::function<void()> before_decide;
  int submits = 0;
  bool decides = true;  ///< False: as on an instance that hands commands on.

 private:
  std::shared_ptr<const CountedEvent> count(Event event, Submitted& submitted) {
    apply(state, event);
    auto counted = std::make_shared<const CountedEvent>(CountedEvent{state.numbers.place, std::move(event)});
    const Fact& fact = counted->event.fact;
    const OrderId order = order_of(fact);
    if (order && std::holds_alternative<OrderAccepted>(fact))
      orders[order] = accepted_order(*counted);
    else if (order)
      fold_order(orders.at(order), *counted);
    submitted.subject = order ? order.value : product_of(fact).value;
    show(fact);
    const auto group = std::make_shared<const std::vector<CountedEvent>>(1, *counted);
    for (LogFollower* follower : followers) follower->follow(group);
    return counted;
  }
  void show(const Fact& fact) {
    if (const auto* listed = std::get_if<ProductListed>(&fact))
      board.list(listed->product, listed->terms, listed->stock, listed->texts);
    else if (const auto* changed = std::get_if<ProductChanged>(&fact))
      board.list(changed->product, changed->terms, state.product(changed->product)->stock.remaining,
                 changed->texts);
    for (const SaleProduct& product : state.products)
      board.products.at(product.id)->live->remaining = product.stock.remaining;
  }

  const Clock& clock_;
};

/// Runs a Task and all that it starts, until nothing is open any more.
template <class T>
Result<T> answer_of(asio::io_context& io, Task<T> task) {
  io.restart();
  auto answer = asio::co_spawn(io, std::move(task), asio::use_future);
  io.run();
  return answer.get();
}

}  // namespace market::tests
