/// ports/random_source.hpp: what every adapter must keep.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "adapters/crypto/random_source.hpp"

namespace market::contract {
namespace {

TEST(RandomSourceContract, FillsEveryByteAndOnlyThose) {
  crypto::SodiumRandomSource random;
  std::array<bool, 32> changed{};
  std::array<std::uint8_t, 34> bytes{};
  for (int i = 0; i < 20; ++i) {  // One byte stays 0 in 20 draws once in 256^20.
    random.fill(std::span(bytes).subspan(1, 32));
    for (std::size_t k = 0; k < 32; ++k) changed[k] = changed[k] || bytes[k + 1] != 0;
  }
  EXPECT_EQ(std::count(changed.begin(), changed.end(), true), 32);
  EXPECT_EQ(bytes.front(), 0);
  EXPECT_EQ(bytes.back(), 0);
}

TEST(RandomSourceContract, NeverRepeatsItself) {
  crypto::SodiumRandomSource one, other;
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 1'000; ++i) {
    for (auto* random : {&one, &other}) {
      std::array<std::uint8_t, 16> bytes{};
      random->fill(bytes);
      EXPECT_TRUE(seen.insert(bytes).second);
    }
  }
}

}  // namespace
}  // namespace market::contract
