#include "wire/events/record_codec.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/checksum.hpp"
#include "tests/support/test_events.hpp"
#include "wire/events/bytes.hpp"

namespace market::wire {
namespace {

using namespace tests;

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

constexpr Term term = 0x4142'4344'4546'4748;

std::string group_of(const std::vector<Event>& events, Place first = 1'000) {
  GroupWriter writer;
  writer.begin(term, first);
  for (const Event& event : events) writer.add(event);
  EXPECT_EQ(writer.count(), events.size());
  return std::string(writer.finish());
}

Open full_open() {
  Open open;
  open.log = LogId{0x0102'0304'0506'0708, 0x1112'1314'1516'1718, 300};
  open.after = 0xA1A2'A3A4'A5A6'A7A8;
  open.nonce = 0xB1B2'B3B4'B5B6'B7B8;
  open.clock = at(77);
  open.instance = "order-2";
  open.address = "10.0.0.7:8080";
  return open;
}

Group as_group(std::string_view bytes) {
  const auto record = decode_record(bytes);
  EXPECT_TRUE(record) << record.error().detail;
  return std::get<Group>(*record);
}

/// The table of bytes that must be read for ever: one record for each of facts_of_each_kind(), with a key
/// and a command in turn. Logs with these bytes exist: a new format gets a table of its own.
std::vector<Event> written_events() {
  std::vector<Event> events;
  for (const Fact& fact : facts_of_each_kind()) events.push_back(events_with(fact)[events.size() % 4]);
  return events;
}
const std::vector<std::string_view> format_2{
    "02024847464544434241e8030000000000000100000001000000000088c0e285e3680a000000000000008403000000000000"
    "e8074b5257000000000000c801a5055dfeabd8984f",
    "02024847464544434241e8030000000000000100000001000000000188c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab0a000000000000008403000000000000d0df0f555344011fe8c7e285e368d0cfe285e368a0beed85e368"
    "0413ed959ceca095ed8c9020ec9ab4eb8f99ed9994113c623eebb0b120ecbca4eba0883c2f623e0573686f65734061616161"
    "6161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161"
    "6161616161616161616180a8d6b907fee6b7bb0c6a4134",
    "02024847464544434241e8030000000000000100000001000000010288c0e285e3682827262524232221d8d7d6d5d4d3d2d1"
    "ac020a000000000000000e8403000000000000d0df0f555344011fe8c7e285e368d0cfe285e368a0beed85e3680413ed959c"
    "eca095ed8c9020ec9ab4eb8f99ed9994113c623eebb0b120ecbca4eba0883c2f623e0573686f657340616161616161616161"
    "6161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161"
    "616161616141afc2612f0ed00d",
    "02024847464544434241e8030000000000000100000001000000020388c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab2827262524232221d8d7d6d5d4d3d2d1ac020a000000000000000506ed8c8cec8690a016612c5fc7db58",
    "02024847464544434241e8030000000000000100000000000000030088c0e285e368bc9a7856341200000100000000000000"
    "88dfab86e368f8c31f555344020a000000000000000604d0df0f520b000000000000000202d804000b29931ca747ac78",
    "02024847464544434241e8030000000000000100000000000000030188c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdabbc9a785634120000010000000000000088dfab86e368f8c31f555344010a000000000000000604d0df0f"
    "52cef7d685deb12c78",
    "02024847464544434241e8030000000000000100000000000000040288c0e285e3682827262524232221d8d7d6d5d4d3d2d1"
    "ac02050000000000000001000000000000000000000000000000020a00000000000000040b00000000000000d00f0072af77"
    "0df54da6bd",
    "02024847464544434241e8030000000000000100000000000000040388c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab2827262524232221d8d7d6d5d4d3d2d1ac02050000000000000001000000000000000600000000000000"
    "020a00000000000000040b00000000000000d00f01d1d0aa6c3376ca59",
    "02024847464544434241e8030000000000000100000000000000050088c0e285e36805000000000000000100000000000000"
    "060000000000000030c3cca29e53cd77",
    "02024847464544434241e8030000000000000100000000000000060188c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab05000000000000000100000000000000060000000000000001020a00000000000000040b000000000000"
    "00d00f025400a7c7951dbf007d4b",
    "02024847464544434241e8030000000000000100000000000000060288c0e285e3682827262524232221d8d7d6d5d4d3d2d1"
    "ac02050000000000000001000000000000000600000000000000000000a08ef144f48b5de8",
    "02024847464544434241e8030000000000000100000000000000070388c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab2827262524232221d8d7d6d5d4d3d2d1ac02050000000000000001000000000000000600000000000000"
    "84ee33c9ef3f16eb",
    "02024847464544434241e8030000000000000100000000000000080088c0e285e36805000000000000000100000000000000"
    "060000000000000007e556257316e03090",
    "02024847464544434241e8030000000000000100000000000000080188c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab05000000000000000100000000000000060000000000000008f2876890cb76559b",
    "02024847464544434241e8030000000000000100000000000000090288c0e285e3682827262524232221d8d7d6d5d4d3d2d1"
    "ac02050000000000000001000000000000000600000000000000136dbd21827d8613",
    "02024847464544434241e80300000000000001000000000000000a0388c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab2827262524232221d8d7d6d5d4d3d2d1ac02050000000000000001000000000000000000000000000000"
    "020a00000000000000040b00000000000000d00f560c5b64e7983678",
    "02024847464544434241e80300000000000001000000000000000a0088c0e285e36805000000000000000100000000000000"
    "0600000000000000020a00000000000000040b00000000000000d00f639f552050067625",
    "02024847464544434241e80300000000000001000000000000000b0188c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab0500000000000000010000000000000003000000000000000000000600000000000000acf6b2ff25e7b2"
    "3f",
    "02024847464544434241e80300000000000001000000000000000b0288c0e285e3682827262524232221d8d7d6d5d4d3d2d1"
    "ac0205000000000000000100000000000000060600000000000000020a00000000000000040b00000000000000d00f10eb84"
    "88ebacb420ec9e91ec9584ec9a940600000000000000aca94f3cd40d07ea",
    "02024847464544434241e80300000000000001000000000000000c0388c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab2827262524232221d8d7d6d5d4d3d2d1ac02c0e9e985e36858c7fab54d1a7bf3",
    "02024847464544434241e80300000000000001000000000000000d0088c0e285e3680807060504030201f8f7f6f5f4f3f2f1"
    "16a0dce385e368cd8b23c693081538",
    "02024847464544434241e80300000000000001000000000000000e0188c0e285e3681817161514131211e8e7e6e5e4e3e2e1"
    "8967452301efcdab17772efe116f705f",
    "02024847464544434241e8030000000000000100000000000000080288c0e285e3682827262524232221d8d7d6d5d4d3d2d1"
    "ac0205000000000000000100000000000000060000000000000003ba0dccb56d791bd3",
};
constexpr std::string_view format_2_open =
    "020108070605040302011817161514131211ac02a8a7a6a5a4a3a2a1b8b7b6b5b4b3b2b19ac1e285e368076f726465722d32"
    "0d31302e302e302e373a38303830025737a8f34ff03f";

TEST(RecordCodec, WritesAndReadsTheBytesOfFormat2) {
  const auto events = written_events();
  ASSERT_EQ(events.size(), format_2.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(hex_of(group_of({events[i]})), format_2[i]) << "line " << i;
    const std::string bytes = bytes_of(format_2[i]);
    const auto decoded = decode_events(as_group(bytes));
    ASSERT_TRUE(decoded) << "line " << i;
    ASSERT_EQ(decoded->size(), 1u);
    EXPECT_EQ((*decoded)[0].place, 1'000);
    EXPECT_EQ((*decoded)[0].event, events[i]) << "line " << i;
  }
}

TEST(RecordCodec, WritesAndReadsTheOpenOfFormat2) {
  EXPECT_EQ(hex_of(encode_open(full_open())), format_2_open);
  const std::string bytes = bytes_of(format_2_open);
  const auto record = decode_record(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(std::get<Open>(*record), full_open());
  Open bare;
  bare.nonce = 1;
  const auto again = decode_record(encode_open(bare));
  ASSERT_TRUE(again);
  EXPECT_EQ(std::get<Open>(*again), bare) << "of a process that is alone: without instance and address";
}

TEST(RecordCodec, NumbersTheEventsOfAGroupFromItsFirstPlace) {
  std::vector<Event> events;
  for (std::int64_t i = 0; i < 300; ++i)
    events.push_back(Event{at(i), {}, 0, {}, StockAdjusted{shoes, i, {}}});
  const std::string bytes = group_of(events, 41);
  const Group group = as_group(bytes);
  EXPECT_EQ(group.head.term, term);
  EXPECT_EQ(group.head.first, 41);
  EXPECT_EQ(group.head.count, 300u);
  const auto decoded = decode_events(group);
  ASSERT_TRUE(decoded);
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ((*decoded)[i].place, 41 + static_cast<Place>(i));
    EXPECT_EQ((*decoded)[i].event, events[i]);
  }
}

TEST(RecordCodec, TheHeadSaysWhetherThereAreProductEvents) {
  for (const Event& event : written_events()) {
    const bool product = static_cast<bool>(product_of(event.fact));
    EXPECT_EQ(as_group(group_of({event})).head.has_product_events, product) << event.fact.index();
    const Event barrier{at(0), {}, 0, {}, Barrier{}};
    EXPECT_EQ(as_group(group_of({barrier, event, barrier})).head.has_product_events, product);
  }
}

TEST(RecordCodec, AWriterIsUsedAgain) {
  const auto events = written_events();
  GroupWriter writer;
  for (const Event& event : events) {
    writer.begin(term, 1'000);
    EXPECT_EQ(writer.count(), 0u);
    writer.add(event);
    EXPECT_EQ(writer.finish(), group_of({event}));
  }
}

std::vector<std::string> records_to_damage() {
  std::vector<std::string> records{encode_open(full_open()), group_of(written_events())};
  for (const Event& event : written_events()) records.push_back(group_of({event}));
  return records;
}

TEST(RecordCodec, SeesEveryCut) {
  for (const std::string& whole : records_to_damage()) {
    ASSERT_TRUE(decode_record(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto decoded = decode_record(std::string_view(whole).substr(0, size));
      ASSERT_FALSE(decoded) << size;
      EXPECT_EQ(decoded.error().code, Code::internal);
    }
    EXPECT_FALSE(decode_record(whole + '\0'));
  }
}

TEST(RecordCodec, SeesEveryFlippedBit) {
  for (const std::string& whole : records_to_damage()) {
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string damaged = whole;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      ASSERT_FALSE(decode_record(damaged)) << bit;
    }
  }
}

/// A record with a right checksum all the same: written by a newer program, or by a bug.
std::string sealed(std::string record) {
  record.resize(record.size() - 8);
  ByteWriter(record).fixed64(checksum(record));
  return record;
}

TEST(RecordCodec, RefusesAnotherFormatInWords) {
  for (std::string record : {encode_open(full_open()), group_of(written_events())}) {
    EXPECT_TRUE(decode_record(sealed(record)));
    record[0] = 3;
    for (const auto& newer : {record, sealed(record)}) {  // Its checksum may be another, too.
      const auto decoded = decode_record(newer);
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().code, Code::internal);
      EXPECT_EQ(decoded.error().detail, "the record has format 3, this program reads 2 to 2");
    }
    record[0] = 1;
    EXPECT_EQ(decode_record(sealed(record)).error().detail,
              "the record has format 1, this program reads 2 to 2");
    record[0] = 2;
    record[1] = 3;
    EXPECT_EQ(decode_record(sealed(record)).error().detail, "a record of unknown kind");
  }
}

TEST(RecordCodec, TheHeadIsReadWithoutTheEvents) {
  std::string record = group_of(written_events());
  constexpr std::size_t head = 2 + 8 + 8 + 8;
  for (std::size_t i = head; i < record.size() - 8; ++i) record[i] = '\xFF';  // No events at all.
  const std::string damaged = sealed(record);
  const Group group = as_group(damaged);
  EXPECT_EQ(group.head.term, term);
  EXPECT_EQ(group.head.first, 1'000);
  EXPECT_EQ(group.head.count, written_events().size());
  const auto events = decode_events(group);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().detail, "an event cannot be read");
}

TEST(RecordCodec, RefusesACountThatIsNotThatOfTheEvents) {
  const std::string record = group_of(written_events());
  const auto with_count = [&](std::uint32_t count) {
    std::string changed = record;
    std::memcpy(changed.data() + 18, &count, sizeof count);
    return sealed(changed);
  };
  const auto count = static_cast<std::uint32_t>(written_events().size());
  EXPECT_TRUE(decode_events(as_group(with_count(count))));
  EXPECT_FALSE(decode_events(as_group(with_count(count - 1))));
  EXPECT_FALSE(decode_events(as_group(with_count(count + 1))));
  // More than the bytes could hold reserves no memory: the record itself is refused.
  for (const std::uint32_t huge : {static_cast<std::uint32_t>(record.size()), 0xFFFF'FFFFu})
    EXPECT_EQ(decode_record(with_count(huge)).error().detail, "the record's head is cut off");
}

TEST(RecordCodec, RefusesCountsInsideAnEventThatItCannotHold) {
  // A group of one cancellation: the number of its units is its last byte.
  const Event cancelled{at(0), {}, 0, {}, OrderCancelled{OrderId{5}, alice, {}, {}}};
  std::string record = group_of({cancelled});
  ASSERT_EQ(record[record.size() - 9], 0);
  record[record.size() - 9] = 0x7F;
  const std::string damaged = sealed(record);
  EXPECT_FALSE(decode_events(as_group(damaged)));
}

TEST(RecordCodec, TheChecksumTellsRecordsApart) {
  const auto events = written_events();
  const std::string one = group_of({events[0]}), other = group_of({events[1]});
  EXPECT_EQ(record_checksum(one), record_checksum(group_of({events[0]})));
  EXPECT_NE(record_checksum(one), record_checksum(other));
  EXPECT_EQ(record_checksum("short"), 0u);
}

/// What nobody writes is refused, so that each event has one form: two readers can compare bytes.
TEST(RecordCodec, AFlagWithoutWhatItStandsForIsRefused) {
  const auto resealed = [](std::string bytes, std::string_view what, std::string_view instead) {
    const auto found = bytes.find(what);
    EXPECT_NE(found, std::string::npos);
    bytes.replace(found, what.size(), instead);
    bytes.resize(bytes.size() - sizeof(std::uint64_t));
    ByteWriter(bytes).fixed64(checksum(bytes));
    return bytes;
  };
  Event event;
  event.at = at(1);
  event.fact = Barrier{};
  event.key = RequestKey{0x5151515151515151, 0x5252525252525252};
  event.command = CommandId{0x6161616161616161, 0x6262626262626262, 0x33};
  const std::string good = group_of({event});
  ASSERT_TRUE(decode_events(as_group(good)));
  EXPECT_FALSE(decode_events(as_group(resealed(good, "QQQQQQQQRRRRRRRR", std::string(16, '\0')))));
  EXPECT_FALSE(decode_events(as_group(resealed(good, "bbbbbbbb3", std::string("bbbbbbbb\0", 9)))));
}

TEST(RecordCodec, AHeadThatCannotBeIsRefused) {
  const std::string good = group_of({Event{}});
  const auto with = [&good](std::size_t at, std::uint64_t value) {
    std::string bytes = good.substr(0, good.size() - sizeof value);
    std::memcpy(bytes.data() + at, &value, sizeof value);
    ByteWriter(bytes).fixed64(checksum(bytes));
    return bytes;
  };
  constexpr std::size_t first_at = 10, count_at = 18;
  EXPECT_TRUE(decode_record(with(first_at, 7)));
  // Of a head alone the log's rule judges; but nobody gets events at such places.
  for (const std::uint64_t first :
       {std::uint64_t{0}, std::uint64_t{std::numeric_limits<std::int64_t>::max()}, ~std::uint64_t{0}}) {
    const auto record = decode_record(with(first_at, first));
    ASSERT_TRUE(record) << first;
    EXPECT_FALSE(decode_events(std::get<Group>(*record))) << first;
  }
  EXPECT_FALSE(decode_record(with(count_at, std::uint64_t{1} << 40 | 1)));
  const std::string claiming = with(count_at, std::uint64_t{1} << 32 | 1);
  const auto claims = decode_record(claiming);
  ASSERT_TRUE(claims);
  EXPECT_FALSE(decode_events(std::get<Group>(*claims))) << "no product event is in it";
}

}  // namespace
}  // namespace market::wire
