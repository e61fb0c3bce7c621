#include "wire/events/event_codec.hpp"
#include "base/checksum.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market::wire {
namespace {

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string encoded(std::vector<Event> events) {
  std::string bytes;
  encode_group(bytes, events);
  return bytes;
}

Event event_of(Fact fact) {
  return Event{tests::at(4), 3, std::move(fact)};
}

ProductTerms full_terms() {
  ProductTerms terms = tests::event_terms(129'000);
  terms.sale = Sale{tests::at(1'000), tests::at(90'000), 2};
  terms.withdrawn = true;
  return terms;
}

Order full_order() {
  Order order;
  order.id = OrderId{0x1234'5678'9ABC};
  order.user = tests::alice;
  order.state = OrderState::paid;
  order.payment = PaymentState::paid;
  order.attempt = AttemptId{77};
  order.total = Money{258'300, *Currency::parse("USD")};
  order.created_at = tests::at(4);
  order.pay_by = tests::at(600'004);
  order.updated_at = tests::at(2'000);
  order.key = RequestKey{0x0102'0304'0506'0708, 0xF1F2'F3F4'F5F6'F7F8};
  order.body_fingerprint = 0xABCD'EF01'2345'6789;
  order.lines.push_back(OrderLine{tests::shoes, 2, Money{129'000, order.total.currency}, 41});
  order.lines.push_back(OrderLine{tests::cap, 1, Money{300, order.total.currency}, 0});
  order.history.push_back(StateChange{OrderState::accepted, tests::at(4)});
  order.history.push_back(StateChange{OrderState::paid, tests::at(2'000)});
  return order;
}

Order order_without_key() {
  Order order = full_order();
  order.key = RequestKey{};
  return order;
}

const Units two_units{MovedUnits{tests::shoes, 2}, MovedUnits{tests::cap, 1}};
constexpr OrderId order{5};
constexpr AttemptId attempt{6};

/// Each kind of event as version 1 writes it. Logs with these bytes exist: a new version gets lines of its
/// own, and these must be read for ever.
struct Written {
  Fact fact;
  std::string_view hex;
};
const std::vector<Written> version_1{
    {ProductListed{tests::shoes, tests::event_terms(), 100},
     "01010188c0e285e368060a000000000000008403000000000000e8074b52570100c8017fccdae7543c4e75"},
    {ProductListed{tests::shoes, full_terms(), ProductStock::stock_max},
     "01010188c0e285e368060a000000000000008403000000000000d0df0f4b5257010fd0cfe285e368a0beed85e3"
     "680480a8d6b9073ddcb6af191672f7"},
    {ProductChanged{tests::shoes, full_terms()},
     "01010288c0e285e368060a000000000000008403000000000000d0df0f4b5257010fd0cfe285e368a0beed85e3"
     "6804a52369525c02f02e"},
    {StockAdjusted{tests::shoes, -3, "파손"},
     "01010388c0e285e368060a000000000000000506ed8c8cec8690fe289f02447b779c"},
    {OrderAccepted{full_order()},
     "01010488c0e285e36806bc9a785634120000010000000000000001029a01f8c31f55534488c0e285e368809f49"
     "981f010807060504030201f8f7f6f5f4f3f2f18967452301efcdab020a0000000000000004d0df0f520b000000"
     "0000000002d8040002000001981f4f79e39c40d1dcb0"},
    {OrderAccepted{order_without_key()},
     "01010488c0e285e36806bc9a785634120000010000000000000001029a01f8c31f55534488c0e285e368809f49"
     "981f008967452301efcdab020a0000000000000004d0df0f520b0000000000000002d8040002000001981f788a"
     "e4a9e5aed334"},
    {OrderVoided{order, tests::alice, two_units, VoidReason::hold_expired},
     "01010588c0e285e3680605000000000000000100000000000000020a00000000000000040b0000000000000002"
     "011eb0043828e7e31e"},
    {PaymentStarted{order, attempt}, "01010688c0e285e368060500000000000000060000000000000007d5f4569242d59f"},
    {OrderPaid{order, tests::alice, attempt, true, two_units, {42, 0}},
     "01010788c0e285e3680605000000000000000100000000000000060000000000000001020a0000000000000004"
     "0b00000000000000020254005218a241962e1683"},
    {OrderPaid{order, tests::alice, attempt, false, {}, {}},
     "01010788c0e285e36806050000000000000001000000000000000600000000000000000000964b7a9a47ac31a6"},
    {PaymentDeclined{order, attempt}, "01010888c0e285e368060500000000000000060000000000000008fe24dc51c4512d"},
    {RefundOwed{order, attempt}, "01010988c0e285e3680605000000000000000600000000000000e91d81ab823d2381"},
    {Refunded{order, attempt}, "01010a88c0e285e3680605000000000000000600000000000000cb2db3335d52f06e"},
    {OrderCancelled{order, tests::alice, two_units},
     "01010b88c0e285e3680605000000000000000100000000000000020a00000000000000040b0000000000000002"
     "870c9c4f6fa680bd"},
    {OrderMoved{order, OrderState::returned, two_units, "너무 작아요"},
     "01010c88c0e285e36806050000000000000006020a00000000000000040b000000000000000210eb8488ebacb4"
     "20ec9e91ec9584ec9a94730477b207eeab41"},
    {GraceGranted{tests::at(60'000)}, "01010d88c0e285e36806c0e9e985e3684090b625b7d11d9d"},
    {EpochOpened{9}, "01010e88c0e285e36806124311676906d41ddd"},
};

TEST(EventCodec, WritesAndReadsTheBytesOfVersion1) {
  std::array<bool, std::variant_size_v<Fact>> covered{};
  for (std::size_t i = 0; i < version_1.size(); ++i) {
    covered[version_1[i].fact.index()] = true;
    EXPECT_EQ(hex_of(encoded({event_of(version_1[i].fact)})), version_1[i].hex) << "line " << i;
    const auto decoded = decode_group(bytes_of(version_1[i].hex));
    ASSERT_TRUE(decoded) << "line " << i;
    ASSERT_EQ(decoded->size(), 1u);
    EXPECT_EQ((*decoded)[0].at, tests::at(4));
    EXPECT_EQ((*decoded)[0].epoch, 3);
    EXPECT_EQ(hex_of(encoded(*decoded)), version_1[i].hex) << "line " << i;
  }
  for (std::size_t kind = 0; kind < covered.size(); ++kind)
    EXPECT_TRUE(covered[kind]) << "no line shows kind " << kind + 1;
}

TEST(EventCodec, LosesNothingOfAnOrder) {
  for (const Order& sent : {full_order(), order_without_key()}) {
    const auto decoded = decode_group(encoded({event_of(OrderAccepted{sent})}));
    EXPECT_EQ(std::get<OrderAccepted>((*decoded)[0].fact).order, sent);
  }
}

TEST(EventCodec, LosesNothingOfTerms) {
  ProductTerms open_ended = full_terms(), unlimited = full_terms();
  open_ended.sale->closes_at.reset();
  unlimited.sale->per_user_limit.reset();
  for (const auto& terms : {tests::event_terms(), full_terms(), open_ended, unlimited}) {
    const auto decoded = decode_group(encoded({event_of(ProductChanged{tests::shoes, terms})}));
    EXPECT_EQ(std::get<ProductChanged>((*decoded)[0].fact).terms, terms);
  }
}

TEST(EventCodec, KeepsTheOrderOfAGroup) {
  std::vector<Event> events;
  for (std::int64_t i = 1; i <= 300; ++i) events.push_back(event_of(EpochOpened{i}));
  const auto decoded = decode_group(encoded(events));
  ASSERT_EQ(decoded->size(), 300u);
  for (std::int64_t i = 1; i <= 300; ++i)
    EXPECT_EQ(std::get<EpochOpened>((*decoded)[static_cast<std::size_t>(i) - 1].fact).epoch, i);
}

TEST(EventCodec, SeesEveryCutAndEveryFlippedBit) {
  const std::string whole = encoded({event_of(OrderAccepted{full_order()}), event_of(EpochOpened{9})});
  ASSERT_TRUE(decode_group(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(decode_group(whole.substr(0, size)).error().code, Code::internal) << size;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_group(damaged)) << bit;
  }
  EXPECT_FALSE(decode_group(whole + '\0'));
}

/// A group with a right checksum all the same: written by a newer program, or by a bug.
std::string sealed(std::string bytes) {
  ByteWriter(bytes).fixed64(checksum(bytes));
  return bytes;
}

TEST(EventCodec, RefusesAnUnknownVersionKindAndTail) {
  std::string body = encoded({event_of(EpochOpened{9})});
  body.resize(body.size() - 8);
  ASSERT_TRUE(decode_group(sealed(body)));
  std::string newer = body, kind_0 = body, kind_99 = body;
  newer[0] = 2;
  kind_0[2] = 0;
  kind_99[2] = 99;
  for (const auto& wrong : {newer, kind_0, kind_99, body + "x", body.substr(0, body.size() - 1)})
    EXPECT_EQ(decode_group(sealed(wrong)).error().code, Code::internal) << hex_of(wrong);
}

TEST(EventCodec, ACountThatTheBytesCannotHoldReservesNoMemory) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.byte(1);
  writer.unsigned_integer(UINT64_MAX);
  EXPECT_FALSE(decode_group(sealed(bytes)));
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

}  // namespace
}  // namespace market::wire
