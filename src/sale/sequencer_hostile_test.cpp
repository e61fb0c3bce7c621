/// Whatever another instance may send: no command ends the writer, and what it writes can be followed by all.
#include <gtest/gtest.h>

#include <random>

#include "sale/sequencer.hpp"
#include "wire/events/command_codec.hpp"

namespace market::sale {
namespace {

class Hostile {
 public:
  explicit Hostile(std::uint64_t seed) : random_(seed) {}

  Command next() {
    Command command = body();
    if (chance(60)) command.key = {pick(3), pick(4) + 1};
    command.fingerprint = pick(2);
    if (chance(20)) command.copy = {{pick(2), pick(3) + 1}, static_cast<std::uint32_t>(pick(3)) + 1};
    command.id = {1, 2, ++number_};
    return command;
  }
  void learn(const Event& event) {
    if (const auto product = product_of(event.fact)) known_.push_back(product.value);
    if (const auto order = order_of(event.fact)) known_.push_back(order.value);
    if (const auto* begun = std::get_if<PaymentStarted>(&event.fact)) known_.push_back(begun->attempt.value);
    if (known_.size() > 60) known_.erase(known_.begin() + static_cast<std::ptrdiff_t>(pick(30)));
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

 private:
  std::int64_t id() {
    if (chance(85) && !known_.empty()) return known_[pick(known_.size())];
    return any();
  }
  std::int64_t any() {
    constexpr std::int64_t odd[] = {
        0, 1, -1, INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN, 1'000'000'000, 2'000'000'000};
    return odd[pick(std::size(odd))];
  }
  std::int64_t some() { return chance(80) ? static_cast<std::int64_t>(pick(20)) : any(); }
  std::string text() { return std::string(chance(95) ? pick(5) : 10'000, static_cast<char>(pick(256))); }
  UserId user() { return UserId{chance(90) ? static_cast<std::int64_t>(pick(3)) + 1 : any()}; }

  ProductTerms terms() {
    ProductTerms terms;
    terms.seller = user();
    terms.price.amount = chance(90) ? 1'000 : any();
    terms.kind = chance(50) ? ProductKind::event : ProductKind::regular;
    terms.withdrawn = chance(5);
    if (chance(20)) terms.publish_at = Instant(Millis(any()));
    if (chance(50)) {
      terms.sale.emplace();
      terms.sale->opens_at = chance(80) ? Instant(Millis(5)) : Instant(Millis(any()));
      if (chance(20)) terms.sale->closes_at = Instant(Millis(any()));
      if (chance(40)) terms.sale->per_user_limit = static_cast<std::int32_t>(some());
    }
    return terms;
  }
  Command::Body body() {
    switch (pick(9)) {
      case 0:
        return ListProduct{terms(), {text(), text(), text(), text()}, some()};
      case 1:
        return ChangeProduct{ProductId{id()}, some(), terms(), {text(), text(), text(), text()}};
      case 2:
        return AdjustStock{ProductId{id()}, chance(70) ? some() : any(), text()};
      case 3:
        return StartPayment{OrderId{id()}, user()};
      case 4:
        return SettlePayment{OrderId{id()}, AttemptId{id()}, static_cast<PaymentOutcome>(pick(3))};
      case 5:
        return CancelOrder{OrderId{id()}, user(), chance(30)};
      case 6:
        return MoveOrder{OrderId{id()}, chance(50) ? user() : UserId{}, static_cast<OrderState>(pick(10)),
                         text()};
      default: {
        PlaceOrder place;
        place.user = user();
        place.payment_window = Millis(chance(70) ? 1'000 : static_cast<std::int64_t>(pick(1ull << 34)));
        for (auto lines = chance(90) ? 1 + pick(2) : pick(30); lines > 0; --lines)
          place.lines.push_back({ProductId{id()}, static_cast<std::int32_t>(some())});
        return place;
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<std::int64_t> known_;
  std::uint64_t number_ = 0;
};

TEST(SequencerAndHostileSenders, NoCommandEndsTheWriterAndEveryReaderFollows) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Hostile hostile(seed);
    KeyFilter keys, reader_keys;
    Sequencer writer({}, keys), reader({}, reader_keys);
    Instant now(Millis(1'790'000'000'000));
    Offset offset = 1;
    const auto follow = [&](std::string_view record) {
      const auto followed = reader.follow(offset, record);
      ASSERT_TRUE(followed) << "seed " << seed << ": " << followed.error().detail;
    };
    const std::string open = writer.open(7, {1, 2, 0}, now, {}, {});
    ASSERT_TRUE(writer.follow(offset, open));
    follow(open);
    ++offset;
    int accepted = 0;
    for (int group = 0; group < 60; ++group) {
      now += Millis(static_cast<std::int64_t>(hostile.pick(900)));
      writer.expire_due(now);
      for (int i = 0; i < 40; ++i) {
        // As it comes through the door.
        wire::CommandMessage message{7, {1, 2}, 1, {hostile.next()}};
        const auto decoded = wire::decode_message(wire::encode_message(message));
        if (!decoded) continue;
        const Command& command = std::get<wire::CommandMessage>(*decoded).commands[0];
        LookedUp looked_up;
        looked_up.key_as_of = looked_up.order_as_of = std::int64_t{1} << 60;
        const auto outcome = writer.decide(command, looked_up, now);
        if (outcome.full) break;
        if (outcome.event < 0) continue;
        hostile.learn(writer.event_made(outcome.event));
        accepted += std::holds_alternative<OrderAccepted>(writer.event_made(outcome.event).fact);
      }
      if (!writer.has_group()) continue;
      const std::string record(writer.seal());
      if (hostile.chance(10)) {
        writer.abandon();  // As after a lost term: all of it is taken back.
        continue;
      }
      follow(record);
      writer.counted(offset++);
      ASSERT_EQ(writer.end(), reader.end());
      ASSERT_EQ(writer.state().orders.size(), reader.state().orders.size());
      ASSERT_EQ(writer.state().numbers.oversell_prevented, 0);
      for (const SaleProduct& product : writer.state().products) {
        ASSERT_GE(product.stock.remaining, 0);
        ASSERT_EQ(product.stock, reader.state().product(product.id)->stock);
      }
    }
    EXPECT_GT(accepted, 5) << "seed " << seed << ": the test does not reach what it is about";
  }
}

}  // namespace
}  // namespace market::sale
