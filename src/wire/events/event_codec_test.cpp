#include "wire/events/event_codec.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_events.hpp"

namespace market::wire {
namespace {

using namespace tests;

std::string encoded(const Event& event) {
  std::string bytes;
  ByteWriter out(bytes);
  encode_event(out, event);
  return bytes;
}

TEST(EventCodec, EachKindWithEachMemberReadsBackWhole) {
  std::array<bool, std::variant_size_v<Fact>> covered{};
  for (const Fact& fact : facts_of_each_kind()) {
    covered[fact.index()] = true;
    for (const Event& event : events_with(fact)) {
      const std::string bytes = encoded(event);
      ByteReader in(bytes);
      Event read;
      ASSERT_TRUE(decode_event(in, read)) << "kind " << fact.index();
      EXPECT_TRUE(in.at_end());
      EXPECT_EQ(read, event) << "kind " << fact.index();
    }
  }
  for (std::size_t kind = 0; kind < covered.size(); ++kind) EXPECT_TRUE(covered[kind]) << "kind " << kind;
}

/// An instance of before follows what this one writes: for it the key is one like any other.
TEST(EventCodec, APaymentThatWasNotChargedIsADeclineToProgramsThatDoNotKnowOfIt) {
  for (const PaymentState before : {PaymentState::none, PaymentState::declined}) {
    const Event event{at(5), {}, 0, {}, PaymentDeclined{OrderId{1}, alice, AttemptId{7}, before}};
    Event as_before{at(5),
                    not_charged_key(AttemptId{7}),
                    static_cast<std::uint64_t>(before),
                    {},
                    PaymentDeclined{OrderId{1}, alice, AttemptId{7}}};
    const std::string bytes = encoded(event);
    EXPECT_EQ(bytes, encoded(as_before)) << "format 2, and nothing new in it";
    ByteReader in(bytes);
    Event read;
    ASSERT_TRUE(decode_event(in, read));
    EXPECT_EQ(read, event);
  }
}

TEST(EventCodec, AKeyOfARequestSaysNothingOfThePayment) {
  const PaymentDeclined declined{OrderId{1}, alice, AttemptId{7}};
  for (const RequestKey& key :
       {RequestKey{1, 7}, not_charged_key(AttemptId{8}), not_charged_key(AttemptId{7})}) {
    const Event event{at(5), key, 1, {}, declined};
    const std::string bytes = encoded(event);
    ByteReader in(bytes);
    Event read;
    ASSERT_TRUE(decode_event(in, read));
    EXPECT_EQ(read, event);
  }
}

TEST(EventCodec, ACutEventIsRefused) {
  for (const Fact& fact : facts_of_each_kind()) {
    const std::string bytes = encoded(events_with(fact).back());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ByteReader in(std::string_view(bytes).substr(0, size));
      Event read;
      EXPECT_FALSE(decode_event(in, read) && !in.broken()) << "kind " << fact.index() << ", " << size;
    }
  }
}

TEST(EventCodec, RefusesKindsAndValuesThatItDoesNotKnow) {
  const auto refused = [](std::string bytes) {
    ByteReader in(bytes);
    Event read;
    return !decode_event(in, read);
  };
  const Event voided{at(0), {}, 0, {}, OrderVoided{OrderId{1}, alice, {}, {}, VoidReason::hold_expired}};
  std::string bytes = encoded(voided);
  EXPECT_FALSE(refused(bytes));
  bytes.back() = 2;
  EXPECT_TRUE(refused(bytes)) << "a reason";
  bytes = encoded(voided);
  bytes[0] = static_cast<char>(std::variant_size_v<Fact>);
  EXPECT_TRUE(refused(bytes)) << "a kind";
  bytes = encoded(voided);
  bytes[1] = 4;
  EXPECT_TRUE(refused(bytes)) << "a flag: there is a member that this program cannot skip";
  bytes =
      encoded(Event{at(0), {}, 0, {}, OrderMoved{OrderId{1}, alice, OrderState::cancelled, {}, {}, {}, {}}});
  const std::size_t state_at = 2 + 7 + 16 - 1;
  ASSERT_EQ(bytes.find(static_cast<char>(OrderState::cancelled), state_at - 2), state_at);
  bytes[state_at] = static_cast<char>(OrderState::cancelled) + 1;
  EXPECT_TRUE(refused(bytes)) << "a state";
}

TEST(EventCodec, LosesNothingOfTermsAndTexts) {
  ProductTerms open_ended = full_terms(), unlimited = full_terms(), public_now = full_terms();
  open_ended.sale->closes_at.reset();
  unlimited.sale->per_user_limit.reset();
  public_now.publish_at.reset();
  for (const auto& terms : {event_terms(), full_terms(), open_ended, unlimited, public_now}) {
    std::string bytes;
    ByteWriter out(bytes);
    encode_terms(out, terms);
    encode_texts(out, full_texts());
    ByteReader in(bytes);
    EXPECT_EQ(decode_terms(in), terms);
    EXPECT_EQ(decode_texts(in), full_texts());
    EXPECT_TRUE(in.at_end());
    EXPECT_FALSE(in.broken());
  }
}

TEST(Bytes, IntegersOfEverySizeReadBack) {
  std::string bytes;
  ByteWriter writer(bytes);
  std::vector<std::int64_t> numbers{0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
  for (const auto number : numbers) writer.integer(number);
  EXPECT_EQ(bytes.substr(0, 3), std::string("\x00\x02\x01", 3)) << "small ones of either sign take one byte";
  ByteReader reader(bytes);
  for (const auto number : numbers) EXPECT_EQ(reader.integer(), number);
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.broken());
}

TEST(Bytes, ReadingPastTheEndBreaksTheReaderForGood) {
  ByteReader number(std::string_view("\xFF\xFF", 2));
  number.unsigned_integer();
  EXPECT_TRUE(number.broken());
  ByteReader text(
      std::string_view("\x05"
                       "abc",
                       4));
  EXPECT_EQ(text.text(), "");
  EXPECT_TRUE(text.broken());
  ByteReader endless(std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11));
  endless.unsigned_integer();
  EXPECT_TRUE(endless.broken()) << "more than 64 bits";
}

TEST(Bytes, ACountIsNeverMoreThanTheBytesCouldHold) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.unsigned_integer(3);
  bytes += "123456";
  EXPECT_EQ(ByteReader(bytes).count(2), 3u);
  ByteReader tight(bytes);
  EXPECT_EQ(tight.count(3), 0u);
  EXPECT_TRUE(tight.broken());
}

}  // namespace
}  // namespace market::wire
