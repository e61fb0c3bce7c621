#pragma once
/// A sequencer on a log that is a vector, and a crowd that asks it for everything, the same for a seed.

#include <random>
#include <string>
#include <vector>

#include "sale/sequencer.hpp"
#include "tests/support/test_sale.hpp"

namespace market::tests {

inline constexpr LogId test_log{0x1111, 0x2222, 0};
using Records = std::vector<std::string>;

class TestWriter {
 public:
  explicit TestWriter(Records& log, sale::SequencerSettings settings = {})
      : log(log), sequencer(settings, keys) {}

  /// Follows all that it has not followed yet.
  void follow() {
    while (sequencer.end().next <= static_cast<Offset>(log.size())) {
      const Offset at = sequencer.end().next;
      const auto followed = sequencer.follow(at, log[static_cast<std::size_t>(at - 1)]);
      if (!followed) throw std::logic_error(followed.error().detail);
    }
  }
  void open(wire::Term nonce) {
    log.push_back(sequencer.open(nonce, test_log, now, {}, {}));
    follow();
  }
  sale::Sequencer::Outcome ask(const Command& command, const sale::LookedUp& looked_up = {}) {
    return sequencer.decide(command, looked_up, now);
  }
  CountedEvents commit() {
    log.emplace_back(sequencer.seal());
    return sequencer.counted(static_cast<Offset>(log.size()));
  }
  /// One command in a group of its own; what it is about.
  std::int64_t carry_out(const Command& command) {
    const auto outcome = ask(command);
    if (outcome.event < 0) throw std::logic_error("the test's own command led to no event");
    commit();
    return outcome.subject;
  }
  ProductId list(std::int64_t stock, ProductTerms terms = event_terms()) {
    return ProductId{carry_out(ListProduct{std::move(terms), {"shoes", {}, {}, {}}, stock})};
  }
  OrderId buy(UserId user, ProductId product, std::uint64_t key = 0) {
    Command command = place(user, product);
    if (key != 0) command.key = RequestKey{9, key};
    return OrderId{carry_out(command)};
  }
  const SaleState& state() const { return sequencer.state(); }

  Records& log;
  sale::KeyFilter keys;
  sale::Sequencer sequencer;
  Instant now = at(0);
};

class Crowd {
 public:
  explicit Crowd(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }

  Command next(const SaleState& state) {
    Command command = wish(state);
    if (below(3) > 0) command.key = RequestKey{below(50) + 1, below(3) << 60};
    command.fingerprint = 1;
    command.id = CommandId{1, 2, ++number_};
    if (below(4) == 0)
      command.copy = {RequestKey{7, below(20) + 1}, static_cast<std::uint32_t>(below(3) + 1)};
    return command;
  }
  /// What became of it, so that it can be asked about later.
  void saw(const Event& event) {
    if (const auto* accepted = std::get_if<OrderAccepted>(&event.fact)) orders_.push_back(accepted->order);
  }

 private:
  Command wish(const SaleState& state) {
    const ProductId product =
        state.products.empty() ? ProductId{1} : state.products[below(state.products.size())].id;
    const OrderId order = orders_.empty() ? OrderId{1} : orders_[below(orders_.size())];
    const OpenOrder* known = state.orders.find(order);
    const UserId user = known != nullptr ? known->user : UserId{static_cast<std::int64_t>(below(30)) + 1};
    switch (below(12)) {
      case 0: {
        ProductTerms terms = event_terms(static_cast<std::int64_t>(below(5)));
        if (below(2) == 0) terms.sale = Sale{at(0), std::nullopt, static_cast<std::int32_t>(below(5)) + 1};
        if (below(2) == 0) return ListProduct{terms, {"new", {}, {}, {}}, 20};
        const SaleProduct* there = state.product(product);
        return ChangeProduct{product, there == nullptr ? 1 : there->version, terms, {"other", {}, {}, {}}};
      }
      case 1:
        return AdjustStock{product, static_cast<std::int64_t>(below(40)) - 5, "counted"};
      case 2:
      case 3:
        return StartPayment{order, user};
      case 4:
      case 5:
        return SettlePayment{order, state.orders.attempt_of(order), static_cast<PaymentOutcome>(below(3))};
      case 6:
        return CancelOrder{order, user};
      case 7:
        return MoveOrder{order, {}, static_cast<OrderState>(2 + below(5)), "moved"};
      default: {
        PlaceOrder wanted = place(UserId{static_cast<std::int64_t>(below(30)) + 1}, product,
                                  static_cast<std::int32_t>(below(3)) + 1);
        if (below(3) == 0 && state.products.size() > 1)
          wanted.lines.push_back(WantedLine{state.products[below(state.products.size())].id, 1});
        return wanted;
      }
    }
  }
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  std::vector<OrderId> orders_;
};

/// Lets the crowd fill a group and seals nothing; deadlines too.
inline void gather(TestWriter& writer, Crowd& crowd, std::size_t commands) {
  writer.sequencer.expire_due(writer.now);
  for (std::size_t i = 0; i < commands; ++i) {
    const auto outcome = writer.ask(crowd.next(writer.state()));
    if (outcome.event >= 0) crowd.saw(writer.sequencer.event_made(outcome.event));
  }
  if (!writer.sequencer.has_group()) writer.sequencer.barrier(writer.now);
}

}  // namespace market::tests
