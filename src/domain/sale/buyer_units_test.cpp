#include "domain/sale/buyer_units.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace market {
namespace {

using Plain = std::map<std::pair<std::int64_t, std::uint32_t>, std::int32_t>;

void check_same(const BuyerUnits& units, const Plain& plain) {
  RC_ASSERT(units.size() == plain.size());
  Plain seen;
  for (std::size_t part = 0; part < BuyerUnits::parts(); ++part)
    units.for_each_of(part, [&](const Buyer& buyer, std::int32_t count) {
      RC_ASSERT(BuyerUnits::part_number(buyer.user) == part);
      RC_ASSERT(seen.emplace(std::pair(buyer.user.value, buyer.slot), count).second);
    });
  RC_ASSERT(seen == plain);
}

TEST(BuyerUnits, AreAPlainMap) {
  const bool held = rc::check([] {
    BuyerUnits units;
    Plain plain;
    const int steps = *rc::gen::inRange(1, 300);
    for (int step = 0; step < steps; ++step) {
      const auto user =
          *rc::gen::element<std::int64_t>(1, 2, 3, std::int64_t{1} << 32, (std::int64_t{1} << 62) + 1);
      const auto slot =
          *rc::gen::element<std::uint32_t>(0, 1, 2, 3, 4, (1u << 22) - 1, 1u << 22, 0xFFFF'FFFE);
      const auto count = *rc::gen::element<std::int32_t>(0, 0, 0, -1, 1, 2, 4'095, 4'096, 2'000'000'000);
      const auto had = plain.contains({user, slot}) ? plain[{user, slot}] : 0;
      if (*rc::gen::arbitrary<bool>())
        units.set(Buyer{UserId{user}, slot}, count);
      else
        RC_ASSERT(units.add(Buyer{UserId{user}, slot}, count - had) == had);
      if (count > 0)
        plain[{user, slot}] = count;
      else
        plain.erase({user, slot});
      for (const std::uint32_t asked : {0u, 4u, slot}) {
        const auto known = plain.find({user, asked});
        RC_ASSERT(units.of(Buyer{UserId{user}, asked}) == (known == plain.end() ? 0 : known->second));
      }
    }
    check_same(units, plain);
    const BuyerUnits moved = std::move(units);
    check_same(moved, plain);
  });
  EXPECT_TRUE(held);
}

TEST(BuyerUnits, UseTheRowsOfThoseWhoHaveNothingAgain) {
  BuyerUnits units;
  for (std::int64_t user = 1; user <= 30'000; ++user) {
    for (std::uint32_t slot = 0; slot < 3; ++slot) units.set(Buyer{UserId{user}, slot}, 1);
    if (user > 1'000)
      for (std::uint32_t slot = 0; slot < 3; ++slot) units.set(Buyer{UserId{user - 1'000}, slot}, 0);
  }
  EXPECT_EQ(units.size(), 3'000u);
  std::int64_t sum = 0;
  units.for_each([&](const Buyer& buyer, std::int32_t count) { sum += buyer.user.value * count; });
  EXPECT_EQ(sum, std::int64_t{3} * 1'000 * (29'001 + 30'000) / 2);
}

TEST(PackedUnits, AreAPlainMapThroughGrowthAndErasure) {
  PackedUnits packed;
  std::map<std::uint64_t, std::uint32_t> plain;
  std::uint64_t random = 7;
  for (int step = 0; step < 60'000; ++step) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    // Twice as many entries as erasures, then the other way; keys of few rows, as they come, and the highest.
    const std::uint64_t key = (random >> 33) % 20'000 << 22 | ((random >> 20) & 1 ? 0x3FFFFF : 3);
    const bool erased = random >> 62 == 0 ? step < 40'000 : step >= 40'000;
    const auto units = erased ? 0 : static_cast<std::uint32_t>(random >> 40) % 4'095 + 1;
    packed.set(key, units);
    if (erased)
      plain.erase(key);
    else
      plain[key] = units;
  }
  ASSERT_EQ(packed.size(), plain.size());
  ASSERT_GT(plain.size(), 1'000u);
  std::size_t wrong = 0;
  for (const auto& [key, units] : plain) wrong += packed.find(key) != units;
  for (std::uint64_t key = 0; key < 100'000; ++key) wrong += !plain.contains(key) && packed.find(key) != 0;
  std::map<std::uint64_t, std::uint32_t> seen;
  packed.for_each([&](std::uint64_t key, std::uint32_t units) { seen[key] = units; });
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(seen, plain);
}

TEST(PackedUnits, TakeElevenBytesAtMost) {
  // A thousand entries and more, at the worst moment: when the table has just grown.
  PackedUnits packed;
  double most = 0;
  for (std::uint64_t key = 0; key < 300'000; ++key) {
    packed.set(key << 22, 1);
    if (key >= 1'000)
      most = std::max(most, static_cast<double>(packed.bytes()) / static_cast<double>(key + 1));
  }
  EXPECT_LE(most, 11.0) << "bytes per entry";
}

}  // namespace
}  // namespace market
