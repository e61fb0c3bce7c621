#include "wire/events/command_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace market::wire {
namespace {

Command placed() {
  PlaceOrder place;
  place.user = UserId{5};
  place.payment_window = Millis(600'000);
  place.lines.push_back({ProductId{9}, 3});
  place.lines.push_back({ProductId{-1}, -7});
  Command command = place;
  command.key = {1, 2};
  command.fingerprint = 77;
  command.copy = {{3, 4}, 2};
  return command;
}

std::vector<Command> all_kinds() {
  ProductTerms terms;
  terms.seller = UserId{3};
  terms.price.amount = 1'000;
  terms.sale = Sale{Instant(Millis(5)), Instant(Millis(6)), 2};
  const ProductTexts texts{"신발", "a\0b", "\xFF", std::string(64, 'a')};
  return {ListProduct{terms, texts, 10},
          ChangeProduct{ProductId{1}, 4, terms, texts},
          AdjustStock{ProductId{1}, -5, "broken"},
          placed(),
          StartPayment{OrderId{1}, UserId{2}},
          SettlePayment{OrderId{1}, AttemptId{2}, PaymentOutcome::refunded},
          SettlePayment{OrderId{1}, AttemptId{2}, PaymentOutcome::declined, PaymentState::declined},
          CancelOrder{OrderId{1}, UserId{2}, true},
          MoveOrder{OrderId{1}, UserId{}, OrderState::shipped, "why"}};
}

CommandMessage message_of(std::vector<Command> commands) {
  CommandMessage message{11, {12, 13}, 3, std::move(commands)};
  std::uint64_t number = 5;
  for (Command& command : message.commands) command.id = {12, 13, number++};
  return message;
}

TEST(CommandCodec, EachKindComesBackAsItWasSent) {
  const auto sent = message_of(all_kinds());
  const std::string bytes = encode_message(sent);
  const auto decoded = decode_message(bytes);
  ASSERT_TRUE(decoded) << decoded.error().detail;
  const auto& came = std::get<CommandMessage>(*decoded);
  EXPECT_EQ(came.term, 11u);
  EXPECT_EQ(came.floor, 3u);
  ASSERT_EQ(came.commands.size(), sent.commands.size());
  // The same bytes again: nothing was lost on the way.
  EXPECT_EQ(encode_message(came), bytes);
  EXPECT_EQ(came.commands[3].copy.number, 2u);
  EXPECT_EQ(std::get<SettlePayment>(came.commands[6].body).back_to, PaymentState::declined);
  EXPECT_FALSE(came.commands[6].key);
  EXPECT_EQ(came.commands[0].id, (CommandId{12, 13, 5}));
}

TEST(CommandCodec, AnswersComeBackWithAllThatABuyerIsTold) {
  AnswerMessage sent{11, {12, 13}, 99, {}};
  sent.answers.resize(4);
  sent.answers[0] = {.number = 1, .not_taken = true, .refused = {}, .stock = {}};
  ErrorExtras extras;
  extras.opens_at = "2026-01-01T00:00:00.000Z";
  extras.retry_after_seconds = 3;
  extras.fields.push_back({"items", "range", "a quantity is 1 to 1000"});
  sent.answers[1].number = 2;
  sent.answers[1].refused = Error(Code::sale_not_open, "not open", extras);
  sent.answers[2].number = 3;
  sent.answers[2].replayed = true;
  sent.answers[2].subject = -5;
  sent.answers[3].number = 4;
  sent.answers[3].stock = ProductStock{10, 4, 7};
  const auto decoded = decode_message(encode_message(sent));
  ASSERT_TRUE(decoded);
  const auto& came = std::get<AnswerMessage>(*decoded);
  EXPECT_EQ(came.through, 99);
  EXPECT_TRUE(came.answers[0].not_taken);
  EXPECT_EQ(came.answers[1].refused->code, Code::sale_not_open);
  EXPECT_EQ(came.answers[1].refused->extras->opens_at, extras.opens_at);
  EXPECT_EQ(came.answers[1].refused->extras->fields.at(0).field, "items");
  EXPECT_EQ(came.answers[2].subject, -5);
  EXPECT_EQ(*came.answers[3].stock, (ProductStock{10, 4, 7}));
}

TEST(CommandCodec, WhatNoSenderMaySendIsRefused) {
  EXPECT_FALSE(decode_message(encode_message(message_of({ExpireOrder{OrderId{1}}}))));
  EXPECT_FALSE(decode_message(encode_message(message_of({GrantGrace{Instant(Millis(1))}}))));
  auto large = message_of({AdjustStock{ProductId{1}, 1, std::string(command_bytes_max, 'x')}});
  EXPECT_FALSE(decode_message(encode_message(large)));
  auto twice = message_of({placed(), placed()});
  twice.commands[1].id.number = twice.commands[0].id.number;
  EXPECT_FALSE(decode_message(encode_message(twice)));
  auto none = message_of({placed()});
  none.commands[0].id.number = 0;
  EXPECT_FALSE(decode_message(encode_message(none)));
  auto endless = placed();
  std::get<PlaceOrder>(endless.body).payment_window = Millis::max();
  EXPECT_FALSE(decode_message(encode_message(message_of({endless}))));
  EXPECT_FALSE(decode_message(""));
  EXPECT_FALSE(decode_message(std::string(1'000'000, '\1')));
}

TEST(CommandCodec, DamagedBytesAreRefusedOrReadButNeverTrusted) {
  const std::string bytes = encode_message(message_of(all_kinds()));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_message(bytes.substr(0, size)));
  std::mt19937_64 random(7);
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = bytes;
    for (unsigned flips = 1 + static_cast<unsigned>(random() % 4); flips > 0; --flips)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto decoded = decode_message(damaged);
    if (!decoded) continue;
    // What is read can be written and read again.
    const auto& came = std::get<CommandMessage>(*decoded);
    EXPECT_TRUE(decode_message(encode_message(came)));
  }
}

}  // namespace
}  // namespace market::wire
