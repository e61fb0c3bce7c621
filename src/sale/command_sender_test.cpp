#include "sale/command_sender.hpp"

#include <gtest/gtest.h>

#include <array>

#include "sale/command_desk.hpp"

namespace market::sale {
namespace {

Instant at(std::int64_t millis) {
  return Instant(Millis(1'790'000'000'000 + millis));
}

Command cancel(std::int64_t order) {
  return CancelOrder{OrderId{order}, UserId{1}, false};
}

/// A group of one event, which answers the command.
CountedEvents event_of(Place place, const CommandId& id, std::int64_t order) {
  auto events = std::make_shared<std::vector<CountedEvent>>();
  CountedEvent& counted = events->emplace_back();
  counted.place = place;
  counted.event.command = id;
  counted.event.fact = OrderCancelled{OrderId{order}, UserId{1}, {}, {}};
  return events;
}

const CommandSender::Find none_known = [](ProductId) { return nullptr; };

class Sender : public testing::Test {
 protected:
  void add(std::int64_t order, wire::Term sent_in = 0) {
    ASSERT_TRUE(sender.add(
        cancel(order), [this, order](Result<Submitted> answer) { answers.emplace(order, std::move(answer)); },
        at(now), sent_in));
  }
  void settle() {
    for (auto& each : sender.take_finished()) each.done(std::move(each.answer));
  }
  std::vector<std::uint64_t> sent() {
    std::vector<std::uint64_t> numbers;
    while (const auto message = sender.message(at(now)))
      for (const Command& command : message->commands) numbers.push_back(command.id.number);
    return numbers;
  }
  wire::AnswerMessage answer_of(wire::Term term, std::uint64_t number, Place through = 0) {
    wire::AnswerMessage message{term, session, through, {}};
    message.answers.emplace_back().number = number;
    message.answers.back().refused = Error(Code::order_not_found, "no such order");
    return message;
  }

  std::int64_t now = 0;
  const wire::CommandSession session{7, 8};
  CommandSender sender{{}, session};
  std::multimap<std::int64_t, Result<Submitted>> answers;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(Sender, WaitsForAWriterAndSendsAgainAfterAWhile) {
  add(11);
  EXPECT_TRUE(sent().empty()) << "nobody is known to write";
  sender.opened(1, "there");
  EXPECT_EQ(sent(), Numbers{1});
  now = 299;
  add(12);
  EXPECT_EQ(sent(), Numbers{2});
  now = 300;
  EXPECT_EQ(sent(), Numbers{1});
  sender.opened(2, "");
  EXPECT_TRUE(sent().empty()) << "the writer has left, and no other is there yet";
  sender.opened(3, "elsewhere");
  EXPECT_EQ(sent(), (Numbers{1, 2}));
}

TEST_F(Sender, TheEventIsTheAnswer) {
  sender.opened(1, "there");
  add(11);
  sent();
  sender.followed(event_of(5, {9, 9, 1}, 11), none_known);  // Of another session.
  settle();
  EXPECT_TRUE(answers.empty());
  const auto events = event_of(6, {7, 8, 1}, 11);
  sender.followed(events, none_known);
  settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers.begin()->second->event.get(), &events->front());
  sender.followed(event_of(7, {7, 8, 1}, 11), none_known);
  sender.answered(answer_of(1, 1), at(now));
  settle();
  EXPECT_EQ(answers.size(), 1u) << "once";
}

TEST_F(Sender, AnAnswerWaitsForWhatItRestsOn) {
  sender.opened(1, "there");
  add(11);
  sent();
  sender.answered(answer_of(1, 1, 9), at(now));
  settle();
  EXPECT_TRUE(answers.empty());
  now = 400;
  EXPECT_TRUE(sent().empty()) << "it is answered";
  sender.followed(event_of(9, {1, 1, 1}, 3), none_known);
  settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers.begin()->second.error().code, Code::order_not_found);
}

TEST_F(Sender, AnOldWritersAnswerIsNone) {
  sender.opened(1, "there");
  add(11);
  sent();
  sender.opened(2, "elsewhere");
  sender.answered(answer_of(1, 1), at(now));
  sender.answered(answer_of(2, 1), at(now));  // Not sent to it yet.
  settle();
  EXPECT_TRUE(answers.empty());
  sent();
  sender.answered(answer_of(1, 1), at(now));
  settle();
  EXPECT_TRUE(answers.empty());
  sender.answered(answer_of(2, 1), at(now));
  settle();
  EXPECT_EQ(answers.size(), 1u);
}

TEST_F(Sender, WhatWasInFlightWhenThisInstanceWroteGoesOutOnlyBehindTheNextOpen) {
  sender.opened(1, "here");
  const CommandId own = sender.next_own();
  Command command = cancel(11);
  command.id = own;
  ASSERT_TRUE(sender.add(
      std::move(command), [&](Result<Submitted> answer) { answers.emplace(11, std::move(answer)); }, at(now),
      1));
  EXPECT_TRUE(sent().empty());
  sender.opened(2, "elsewhere");
  add(12);
  const auto message = sender.message(at(now));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->floor, own.number);
  EXPECT_EQ(message->commands.size(), 2u);
}

TEST_F(Sender, TheFloorHoldsWhatItsOwnGateDecides) {
  sender.opened(1, "there");
  const CommandId own = sender.next_own();
  add(12);
  EXPECT_EQ(sender.message(at(now))->floor, own.number);
  sender.release_own();
  now = 300;
  EXPECT_EQ(sender.message(at(now))->floor, own.number + 1);
}

TEST_F(Sender, NotTakenIsTriedAgainSoon) {
  sender.opened(1, "there");
  add(11);
  sent();
  auto message = answer_of(1, 1);
  message.answers[0] = {.number = 1, .not_taken = true, .refused = {}, .stock = {}};
  sender.answered(message, at(now));
  EXPECT_TRUE(sent().empty());
  now = 40;
  EXPECT_EQ(sent(), Numbers{1});
}

TEST_F(Sender, SaysInTheEndThatItDoesNotKnowOrThatNothingHappened) {
  add(11);
  now = 100;
  sender.opened(1, "there");
  add(12);
  sender.opened(2, "");
  now = 5'000;
  sender.expire(at(now));
  settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers.find(11)->second.error().code, Code::recovering) << "it was never sent";
  sender.opened(3, "there");
  sent();
  now = 5'100;
  sender.expire(at(now));
  settle();
  EXPECT_EQ(answers.find(12)->second.error().code, Code::unavailable);
}

TEST_F(Sender, ItsTimeBeganWhereItWaitedBefore) {
  ASSERT_TRUE(sender.add(
      cancel(1), [this](Result<Submitted> answer) { answers.emplace(1, std::move(answer)); }, at(0), 5,
      Millis(4'000)));
  sender.expire(at(999));
  settle();
  EXPECT_TRUE(answers.empty());
  sender.expire(at(1'000));
  settle();
  EXPECT_EQ(answers.find(1)->second.error().code, Code::unavailable);
}

TEST_F(Sender, WhileNothingCanBeWrittenOnlyWhatWasSentWaits) {
  add(1);
  sender.opened(5, "writer");
  EXPECT_EQ(sent().size(), 1u);
  add(2);
  add(3, 5);
  sender.refuse_unsent(Error(Code::recovering, "nothing happened"));
  settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers.find(2)->second.error().code, Code::recovering);
  EXPECT_EQ(sender.waiting(), 2u);
}

TEST_F(Sender, TooManyAreRefused) {
  CommandSender small({.waiting_max = 2}, session);
  EXPECT_TRUE(small.add(
      cancel(1), [](Result<Submitted>) {}, at(0)));
  EXPECT_TRUE(small.add(
      cancel(2), [](Result<Submitted>) {}, at(0)));
  EXPECT_FALSE(small.add(
      cancel(3), [](Result<Submitted>) {}, at(0)));
}

TEST_F(Sender, ARefusalInTheLogIsTheAnswerToItsCommandAlone) {
  add(5);
  add(6);
  auto events = std::make_shared<std::vector<CountedEvent>>();
  for (const CommandId& id :
       {CommandId{7, 9, 1}, CommandId{6, 8, 1}, CommandId{7, 8, 9}, CommandId{7, 8, 1}}) {
    CountedEvent& counted = events->emplace_back();
    counted.place = static_cast<Place>(events->size());
    counted.event.command = id;
    counted.event.fact = Refused{RequestKey{1, 2}, Code::sold_out, at(1'000)};
  }
  sender.followed(events, none_known);
  settle();
  ASSERT_EQ(answers.size(), 1u) << "the others are of other sessions, or unknown";
  EXPECT_EQ(answers.find(5)->second.error().code, Code::sold_out);
}

TEST_F(Sender, ARefusalInTheLogSaysWhenTheSaleOpens) {
  PlaceOrder place;
  for (const std::int64_t id : {1, 2, 3}) place.lines.push_back(WantedLine{ProductId{id}, 1});
  std::optional<Result<Submitted>> answer;
  ASSERT_TRUE(sender.add(
      place, [&](Result<Submitted> said) { answer = std::move(said); }, at(0)));
  std::array<SaleProduct, 2> products;  // Of the third nothing is known.
  products[0].terms.sale = Sale{at(60'000), std::nullopt, std::nullopt};
  products[1].terms.sale = Sale{at(-60'000), std::nullopt, std::nullopt};
  auto events = std::make_shared<std::vector<CountedEvent>>();
  CountedEvent& counted = events->emplace_back();
  counted.place = 1;
  counted.event.command = CommandId{7, 8, 1};
  counted.event.fact = Refused{RequestKey{1, 2}, Code::sale_not_open, at(1'000)};
  sender.followed(events, [&](ProductId id) {
    return id.value < 3 ? &products[static_cast<std::size_t>(id.value - 1)] : nullptr;
  });
  settle();
  ASSERT_TRUE(answer && !*answer && answer->error().extras);
  EXPECT_EQ(answer->error().extras->opens_at, format_rfc3339(at(60'000)));
}

TEST_F(Sender, SendsNoMoreAtATimeThanAMessageHolds) {
  sender.opened(1, "there");
  const auto count = wire::message_commands_max + 3;
  for (std::size_t i = 0; i < count; ++i) add(static_cast<std::int64_t>(i));
  auto message = sender.message(at(now));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->commands.size(), wire::message_commands_max);
  message = sender.message(at(now));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->commands.size(), 3u);
  EXPECT_FALSE(sender.message(at(now)));
  // Few of them, when they are large.
  for (int i = 0; i < 12; ++i) {
    Command large = AdjustStock{ProductId{1}, 1, std::string(50'000, 'x')};
    ASSERT_TRUE(sender.add(
        std::move(large), [](const Result<Submitted>&) {}, at(now)));
  }
  std::size_t sent_commands = 0;
  while ((message = sender.message(at(now)))) {
    EXPECT_LE(wire::encode_message(*message).size(), wire::message_bytes_max);
    sent_commands += message->commands.size();
  }
  EXPECT_EQ(sent_commands, 12u);
}

TEST(Desk, DropsWhatLiesBelowTheFloorAndForgetsWithTheTerm) {
  CommandDesk desk;
  desk.begin(1);
  const auto message = [](std::uint64_t floor, std::uint64_t number) {
    wire::CommandMessage one{1, {3, 4}, floor, {}};
    one.commands.push_back(cancel(1));
    one.commands.back().id = {3, 4, number};
    return one;
  };
  EXPECT_EQ(desk.take(message(1, 1)).fresh.size(), 1u);
  EXPECT_TRUE(desk.take(message(1, 1)).fresh.empty());
  EXPECT_TRUE(desk.take(message(5, 4)).fresh.empty());
  EXPECT_TRUE(desk.take(message(1, 1)).fresh.empty()) << "a late one, below a floor that was passed";
  desk.begin(2);
  EXPECT_EQ(desk.take(message(1, 1)).fresh.size(), 1u);
  // A sender that never raises its floor holds no more than so many.
  wire::CommandMessage many{2, {5, 5}, 1, {}};
  std::size_t taken = 0;
  for (std::uint64_t number = 1; number <= CommandDesk::numbers_max + 500; ++number) {
    many.commands.assign(1, cancel(1));
    many.commands.back().id = {5, 5, number};
    taken += desk.take(many).fresh.size();
  }
  EXPECT_EQ(taken, CommandDesk::numbers_max);
}

}  // namespace
}  // namespace market::sale
