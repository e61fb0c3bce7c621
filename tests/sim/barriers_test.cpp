// What a refusal waits for. Two writers take turns on one log that each reads record by record; what they
// send comes once, twice, late or never. A refusal goes out when the barrier that was sent for it has come
// back, and must have been true since it was asked. If barriers took no place, all of a term would be the
// same bytes: an earlier one's copy would let a refusal go of a writer that is none any more.
#include <gtest/gtest.h>

#include "sale/sequencer.hpp"
#include "tests/sim/random.hpp"
#include "tests/support/test_sale.hpp"

namespace market::sim {
namespace {

using tests::at;

class Turns {
 public:
  Turns(std::uint64_t seed, bool same_barriers) : random_(seed), same_barriers_(same_barriers) {
    open(writers_[0]);
    while (!writes(writers_[0])) read(writers_[0]);
    const Command list = ListProduct{tests::event_terms(), {"shoes", {}, {}, {}}, 1};
    product_ = ProductId{writers_[0].sequencer.decide(list, {}, at(0)).subject};
    writers_[0].sent = writers_[0].sequencer.seal();
    append(writers_[0].sent);
  }

  /// What went wrong; empty: nothing.
  std::string run() {
    for (int step = 0; step < 600 && wrong_.empty(); ++step) {
      if (!late_.empty() && random_.chance(0.2)) append(take_late());
      act(writers_[static_cast<std::size_t>(random_.between(0, 1))]);
    }
    return wrong_;
  }
  int refusals() const { return refusals_; }

 private:
  struct Writer {
    sale::KeyFilter keys;
    sale::Sequencer sequencer{{}, keys};
    wire::Term term = 0;
    std::string sent;          ///< Its group in flight, or the barrier that it waits for.
    bool refuses = false;      ///< Somebody waits for it.
    std::size_t asked_at = 0;  ///< So long was the log.
  };

  static bool writes(const Writer& writer) { return writer.sequencer.writes(writer.term); }

  void act(Writer& writer) {
    const auto what = random_.between(0, 9);
    if (what < 4) return read(writer);
    if (!writes(writer)) {
      if (what == 9 && at_the_end(writer)) open(writer);
    } else if (!writer.sent.empty()) {
      if (what < 6) send(writer.sent);
    } else {
      what < 8 ? buy(writer) : add_one(writer);
    }
  }
  bool at_the_end(const Writer& writer) const {
    return writer.sequencer.end().next > static_cast<Offset>(log_.size());
  }

  void open(Writer& writer) {
    writer.term = ++terms_;
    append(writer.sequencer.open(writer.term, LogId{1, 2, 0}, at(0), {}, {}));
  }
  void buy(Writer& writer) {
    const auto outcome = writer.sequencer.decide(tests::place(UserId{++users_}, product_), {}, at(0));
    writer.asked_at = log_.size();
    writer.refuses = outcome.refused.has_value();
    if (!writer.refuses || !same_barriers_) {
      if (writer.refuses) writer.sequencer.barrier(at(0));
      writer.sent = writer.sequencer.seal();
    } else {
      wire::GroupWriter barrier;
      barrier.begin(writer.term, Place{1} << 40);
      Event event;
      event.fact = Barrier{};
      barrier.add(event);
      writer.sent = barrier.finish();
    }
    send(writer.sent);
  }
  void add_one(Writer& writer) {
    writer.sequencer.decide(AdjustStock{product_, 1, "one more"}, {}, at(0));
    writer.refuses = false;
    writer.sent = writer.sequencer.seal();
    send(writer.sent);
  }

  void send(const std::string& record) {
    if (random_.chance(0.7)) append(record);
    if (random_.chance(0.6)) late_.push_back(record);
  }
  std::string take_late() {
    std::swap(random_.pick(late_), late_.back());
    std::string record = std::move(late_.back());
    late_.pop_back();
    return record;
  }
  void append(const std::string& record) {
    log_.push_back(record);
    if (!truth_.follow(static_cast<Offset>(log_.size()), record)) wrong_ = "the log cannot be followed";
    const SaleProduct* product = truth_.state().product(product_);
    left_.push_back(product ? product->stock.remaining : 0);
  }

  void read(Writer& writer) {
    if (at_the_end(writer)) return;
    const Offset offset = writer.sequencer.end().next;
    const std::string& record = log_[static_cast<std::size_t>(offset - 1)];
    const auto followed = writer.sequencer.follow(offset, record);
    if (!followed) wrong_ = followed.error().detail;
    if (!followed || (followed->opened && !writes(writer))) return stop(writer);
    if (followed->own || (same_barriers_ && writer.refuses && record == writer.sent)) answer(writer);
  }
  void stop(Writer& writer) {
    writer.sent.clear();
    writer.refuses = false;
  }
  void answer(Writer& writer) {
    if (writer.refuses) {
      ++refusals_;
      bool was_true = false;
      for (std::size_t end = writer.asked_at; end <= left_.size(); ++end)
        was_true = was_true || left_[end - 1] == 0;
      if (!was_true) wrong_ = "sold out, said a writer, and there were units all the time";
    }
    stop(writer);
  }

  Random random_;
  const bool same_barriers_;
  std::vector<std::string> log_, late_;
  std::vector<std::int64_t> left_;  ///< Behind each record.
  sale::KeyFilter keys_;
  sale::Sequencer truth_{{}, keys_};
  Writer writers_[2];
  ProductId product_;
  wire::Term terms_ = 0;
  std::int64_t users_ = 0;
  std::string wrong_;
  int refusals_ = 0;
};

TEST(Barriers, ARefusalWasTrueSinceItWasAsked) {
  int refusals = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    Turns turns(seed, false);
    ASSERT_EQ(turns.run(), "") << "seed " << seed;
    refusals += turns.refusals();
  }
  EXPECT_GT(refusals, 10'000);
}

TEST(Barriers, ThatAreTheSameBytesAreFound) {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed)
    if (!Turns(seed, true).run().empty()) return;
  FAIL() << "not in 1,000 seeds";
}

}  // namespace
}  // namespace market::sim
