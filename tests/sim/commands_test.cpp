// Commands on their way: one sender, the desks of one writer after another, and between them a net that
// loses, repeats and swaps messages. Each command is decided once, and answered as it was decided. Mistakes
// in how the two are used are planted, and must be found.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "sale/command_desk.hpp"
#include "sale/command_sender.hpp"

namespace market::sim {
namespace {

enum class Planted {
  nothing,
  resent_before_the_new_term_was_seen,  ///< Told of an Open before what lies in front of it.
  old_writers_answer_taken,             ///< Whatever term it is of.
  decided_command_decided_again,        ///< The writer forgets within its term.
};

constexpr std::uint64_t commands = 60;

class Net {
 public:
  Net(std::uint64_t seed, Planted planted)
      : random_(seed),
        planted_(planted),
        sender_({.resend_after = Millis(30), .answer_time_max = Millis(1'000'000)}, {seed, 1}) {
    desk_.begin(term_);
    sender_.opened(term_, "writer");
  }

  /// What went wrong; empty: nothing.
  std::string run() {
    for (int step = 0; step < 6'000 && answered_.size() < commands; ++step) {
      now_ += static_cast<std::int64_t>(random_() % 10);
      if (step < static_cast<int>(commands)) ask(static_cast<std::uint64_t>(step) + 1);
      if (const auto message = sender_.message(at()); message && !chance(20)) there_.push_back(*message);
      if (!there_.empty() && chance(60)) deliver(any_of(there_));
      if (!back_.empty() && chance(60)) hear(any_of(back_));
      if (chance(50)) follow();
      for (auto& each : sender_.take_finished()) each.done(std::move(each.answer));
    }
    for (const auto& [number, answer] : answered_) {
      if (answer.times != 1) return fmt::format("command {} was answered {} times", number, answer.times);
      if (answer.done != (events_[number] == 1))
        return fmt::format("command {} has {} events, and its answer says {}", number, events_[number],
                           answer.done ? "done" : "refused");
    }
    for (const auto& [number, times] : events_)
      if (times > 1) return fmt::format("command {} was carried out {} times", number, times);
    return answered_.size() == commands ? std::string() : "some were never answered";
  }

 private:
  struct Answer {
    int times = 0;
    bool done = false;
  };
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  Instant at() const { return Instant(Millis(1'790'000'000'000 + now_)); }
  template <class Message>
  Message any_of(std::vector<Message>& messages) {
    const std::size_t which = random_() % messages.size();
    Message one = messages[which];
    if (!chance(20))
      messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(which));  // Else it repeats.
    return one;
  }

  void ask(std::uint64_t number) {
    const Command command = CancelOrder{OrderId{static_cast<std::int64_t>(number)}, UserId{1}, false};
    const bool added = sender_.add(
        command,
        [this, number](const Result<Submitted>& answer) {
          ++answered_[number].times;
          answered_[number].done = answer.has_value();
        },
        at());
    EXPECT_TRUE(added);
  }

  /// To the instance that writes now; one of an older term says that it does not take it.
  void deliver(wire::CommandMessage message) {
    wire::AnswerMessage answers{message.term, message.session, place_, {}};
    if (message.term != term_) {
      for (const Command& command : message.commands) {
        answers.answers.emplace_back().number = command.id.number;
        answers.answers.back().not_taken = true;
      }
      back_.push_back(answers);
      return;
    }
    if (planted_ == Planted::decided_command_decided_again && chance(10)) desk_.begin(term_);
    auto taken = desk_.take(std::move(message));
    answers.answers = taken.known;
    for (const Command& command : taken.fresh)
      if (!decide(command, answers)) break;
    answers.through = place_;
    if (!answers.answers.empty()) back_.push_back(answers);
  }

  /// False: its group never will count, since this writer's term has ended.
  bool decide(const Command& command, wire::AnswerMessage& answers) {
    const std::uint64_t number = command.id.number;
    if ((number + term_) % 3 == 0) {  // Refused, by this writer; the next one may see it otherwise.
      wire::CommandAnswer& answer = answers.answers.emplace_back();
      answer.number = number;
      answer.refused = Error(Code::sold_out, "");
      desk_.decided(term_, command.id, answer);
      return true;
    }
    if (chance(85)) {
      ++events_[number];
      auto group = std::make_shared<std::vector<CountedEvent>>();
      CountedEvent& counted = group->emplace_back();
      counted.place = ++place_;
      counted.event.command = command.id;
      counted.event.fact = OrderCancelled{OrderId{static_cast<std::int64_t>(number)}, UserId{1}, {}, {}};
      log_.push_back(std::move(group));
      return true;
    }
    desk_.begin(++term_);
    return false;
  }

  void hear(wire::AnswerMessage message) {
    if (chance(20)) return;
    if (planted_ == Planted::old_writers_answer_taken) message.term = sender_.term();
    sender_.answered(message, at());
  }

  void follow() {
    const auto none = [](ProductId) -> const SaleProduct* { return nullptr; };
    if (planted_ == Planted::resent_before_the_new_term_was_seen && sender_.term() != term_)
      return sender_.opened(term_, "writer");
    for (; followed_ < log_.size(); ++followed_) sender_.followed(log_[followed_], none);
    if (sender_.term() != term_) sender_.opened(term_, "writer");
  }

  std::mt19937_64 random_;
  const Planted planted_;
  sale::CommandSender sender_;
  sale::CommandDesk desk_;
  wire::Term term_ = 1;
  std::vector<wire::CommandMessage> there_;
  std::vector<wire::AnswerMessage> back_;
  std::vector<CountedEvents> log_;
  std::size_t followed_ = 0;
  std::map<std::uint64_t, int> events_;
  std::map<std::uint64_t, Answer> answered_;
  Place place_ = 0;
  std::int64_t now_ = 0;
};

TEST(CommandsOnTheirWay, AreDecidedOnceAndAnsweredAsTheyWereDecided) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) ASSERT_EQ(Net(seed, Planted::nothing).run(), "") << seed;
}

class PlantedOnTheWay : public testing::TestWithParam<Planted> {};
TEST_P(PlantedOnTheWay, IsFound) {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed)
    if (const auto wrong = Net(seed, GetParam()).run(); !wrong.empty()) return;
  FAIL() << "not in 1,000 seeds";
}
INSTANTIATE_TEST_SUITE_P(Part, PlantedOnTheWay,
                         testing::Values(Planted::resent_before_the_new_term_was_seen,
                                         Planted::old_writers_answer_taken,
                                         Planted::decided_command_decided_again));

}  // namespace
}  // namespace market::sim
