#include "wire/events/snapshot_codec.hpp"
#include "base/checksum.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"
#include "wire/events/bytes.hpp"

namespace market::wire {
namespace {

using namespace tests;

SaleState busy_state() {
  TestSale sale;
  sale.list(shoes, 5, limited_terms(3));
  sale.list(cap, 9);
  PlaceOrder asked = place(1, alice, shoes, 2);
  asked.key = RequestKey{7, 8};
  asked.body_fingerprint = 9;
  sale.carry_out(asked);
  sale.paid(2, bob, cap);
  sale.carry_out(GrantGrace{at(500)});
  sale.carry_out(OpenEpoch{4});
  return sale.state;
}

TEST(SnapshotCodec, LosesNothing) {
  SaleState state = busy_state();
  state.oversell_prevented = 1;
  const auto decoded = decode_snapshot(encode_snapshot(state, 123'456));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->position, 123'456);
  EXPECT_EQ(state_hash(decoded->state), state_hash(state));
  EXPECT_EQ(decoded->state.oversell_prevented, 1);
  EXPECT_EQ(decoded->state.products, state.products);
  EXPECT_EQ(*decoded->state.orders.at(OrderId{1}), *state.orders.at(OrderId{1}));
  EXPECT_EQ(decoded->state.keys.at(RequestKey{7, 8}).order, OrderId{1});
}

TEST(SnapshotCodec, AnEmptyStateIsOneToo) {
  const auto decoded = decode_snapshot(encode_snapshot(SaleState{}, 0));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(state_hash(decoded->state), state_hash(SaleState{}));
}

TEST(SnapshotCodec, SeesEveryCutAndChange) {
  const std::string whole = encode_snapshot(busy_state(), 9);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(decode_snapshot(whole.substr(0, size)).error().code, Code::internal) << size;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_FALSE(decode_snapshot(damaged)) << i;
  }
}

TEST(SnapshotCodec, RefusesAnotherVersion) {
  std::string bytes = encode_snapshot(busy_state(), 9);
  bytes.resize(bytes.size() - 8);
  bytes[0] = 2;
  ByteWriter(bytes).fixed64(checksum(bytes));
  EXPECT_EQ(decode_snapshot(bytes).error().code, Code::internal);
}

}  // namespace
}  // namespace market::wire
