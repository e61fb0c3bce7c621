/// One end of the talk between instances, message by message: what is refused, dropped, answered again.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "sale/remote_gate.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_clock.hpp"

namespace market::sale {
namespace {

/// Keeps what is sent; what comes is said by the test.
struct NotedLink final : CommandLink {
  std::string address() const override { return "here"; }
  void send(const std::string&, std::string message) override { sent.push_back(std::move(message)); }
  void start(Receive receive, std::function<void(std::string)> answer) override {
    on_command = std::move(receive);
    on_answer = std::move(answer);
  }
  void stop() override { stopped = true; }
  asio::any_io_executor executor() override { return io.get_executor(); }
  asio::io_context io;
  std::vector<std::string> sent;
  Receive on_command;
  std::function<void(std::string)> on_answer;
  bool stopped = false;
};

Task<Submitted> answered(Result<Submitted> answer) {
  co_return answer;
}

class RemoteMessages : public testing::Test {
 protected:
  RemoteMessages() { gate.start(); }
  void poll() {
    link.io.restart();
    link.io.poll();
  }
  static SenderSettings settings() {
    SenderSettings settings;
    settings.waiting_max = 2;
    return settings;
  }
  static Command cancel(std::uint64_t number = 0) {
    Command command = CancelOrder{OrderId{5}, UserId{1}, false};
    if (number != 0) command.id = {3, 4, number};
    return command;
  }
  /// What this instance answers to another's command; none: nothing.
  std::optional<wire::CommandAnswer> ask(std::uint64_t number, wire::Term term = 9) {
    replies.clear();
    link.on_command(wire::encode_message(wire::CommandMessage{term, {3, 4}, 1, {cancel(number)}}), note);
    poll();
    if (replies.empty()) return std::nullopt;
    const auto message = wire::decode_message(replies.at(0));
    return std::get<wire::AnswerMessage>(*message).answers.at(0);
  }
  void adopt(Command command, wire::Term sent_in = 0) {
    gate.adopt(std::move(command), sent_in, Millis(0), [this](const Result<Submitted>& answer) {
      said.push_back(answer ? std::optional<Code>() : answer.error().code);
    });
  }

  NotedLink link;
  tests::TestClock clock;
  Result<Submitted> decides = fail(Code::sold_out, "none is left");
  int decided = 0;
  std::vector<std::string> replies;
  const CommandLink::Reply note = [this](std::string bytes) { replies.push_back(std::move(bytes)); };
  std::vector<std::optional<Code>> said;
  RemoteGate gate{link, clock, settings(), {1, 2}, [this](const Command&, wire::Term) {
                    ++decided;
                    return answered(decides);
                  }};
};

TEST_F(RemoteMessages, WhatIsNoMessageIsDropped) {
  gate.writes(9, 0);
  for (const std::string& bytes :
       {std::string(), std::string("rubbish"), wire::encode_message(wire::AnswerMessage{9, {3, 4}, 0, {}})}) {
    link.on_command(bytes, note);
    poll();
  }
  EXPECT_TRUE(replies.empty());
  EXPECT_EQ(decided, 0);
  adopt(cancel());
  for (const std::string& bytes :
       {std::string(), std::string("rubbish"), wire::encode_message(wire::CommandMessage{9, {1, 2}, 1, {}})})
    link.on_answer(bytes);
  EXPECT_EQ(gate.waiting(), 1u);
}

TEST_F(RemoteMessages, CommandsForAnotherTermAreNotTaken) {
  EXPECT_TRUE(ask(1)->not_taken) << "it does not write";
  gate.writes(9, 0);
  EXPECT_TRUE(ask(1, 8)->not_taken);
  EXPECT_TRUE(ask(1, 0)->not_taken);
  EXPECT_EQ(decided, 0);
  EXPECT_FALSE(ask(1)->not_taken);
  EXPECT_EQ(decided, 1);
  gate.close_desk();
  EXPECT_TRUE(ask(2)->not_taken) << "it stops";
}

TEST_F(RemoteMessages, ARefusalIsDecidedOnceAndToldAgain) {
  gate.writes(9, 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(1)->refused->code, Code::sold_out);
  EXPECT_EQ(decided, 1);
}

TEST_F(RemoteMessages, AnAnswerWithoutAnEventIsToldAsItIs) {
  gate.writes(9, 0);
  Submitted known;
  known.replayed = true;
  known.subject = 77;
  known.stock = ProductStock{5, 4, 3};
  decides = known;
  const auto answer = ask(1);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->refused);
  EXPECT_TRUE(answer->replayed);
  EXPECT_EQ(answer->subject, 77);
  EXPECT_EQ(answer->stock, known.stock);
}

TEST_F(RemoteMessages, WhatTheLogWillTellIsNotToldByAMessage) {
  gate.writes(9, 0);
  decides = fail(Code::recovering, "nobody knows");
  EXPECT_FALSE(ask(898)) << "no answer";
  decides = fail(Code::unavailable, "the records are away");
  EXPECT_TRUE(ask(899)) << "nothing of it comes into the log";
  Submitted made;
  made.event = std::make_shared<const CountedEvent>();
  decides = made;
  EXPECT_FALSE(ask(900));
  EXPECT_EQ(decided, 3);
}

TEST_F(RemoteMessages, TooMuchIsRefusedAtOnce) {
  adopt(AdjustStock{ProductId{1}, 1, std::string(wire::command_bytes_max, 'x')});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0], Code::payload_too_large);
  for (int i = 0; i < 3; ++i) adopt(cancel());
  ASSERT_EQ(said.size(), 2u) << "two wait";
  EXPECT_EQ(said[1], Code::overloaded);
  EXPECT_EQ(gate.waiting(), 2u);
}

TEST_F(RemoteMessages, OfOneThatMayHaveHappenedNobodySaysThatItDidNot) {
  constexpr wire::Term sent_in = 8;
  adopt(AdjustStock{ProductId{1}, 1, std::string(wire::command_bytes_max, 'x')}, sent_in);
  for (int i = 0; i < 2; ++i) adopt(cancel());
  adopt(cancel(), sent_in);
  gate.stop();
  adopt(cancel(), sent_in);
  ASSERT_EQ(said.size(), 5u);
  EXPECT_EQ(said[0], Code::unavailable);
  EXPECT_EQ(said[1], Code::unavailable) << "two wait already";
  EXPECT_EQ(said[4], Code::unavailable);
}

TEST_F(RemoteMessages, WhoeverWaitsIsAnsweredWhenItStops) {
  adopt(cancel());
  poll();
  EXPECT_TRUE(link.sent.empty()) << "nobody writes";
  gate.opened(9, "there");
  adopt(cancel());
  poll();
  EXPECT_EQ(link.sent.size(), 1u) << "both in one message";
  gate.stop();
  EXPECT_TRUE(link.stopped);
  ASSERT_EQ(said.size(), 2u);
  for (const auto& each : said) EXPECT_EQ(each, Code::unavailable) << "they were sent";
  adopt(cancel());
  EXPECT_EQ(said.back(), Code::overloaded);
}

}  // namespace
}  // namespace market::sale
