#include "services/gateway/event_fan.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace market::gateway {
namespace {

TEST(WakeRound, ComesToEverybodyWhoStaysWhoeverLeavesMeanwhile) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    WakeRound round;
    std::vector<int> readers;
    std::set<int> owed;
    int newest = 0;
    for (int step = 0; step < 400; ++step) {
      switch (random() % 8) {
        case 0:
          readers.push_back(++newest);
          round.joined();
          break;
        case 1:
          if (!readers.empty()) {
            const std::size_t position = random() % readers.size();
            round.left(position);
            owed.erase(readers[position]);
            readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(position));
          }
          break;
        case 2:
          round.begin(readers.size());
          owed = std::set<int>(readers.begin(), readers.end());
          break;
        default:
          if (const auto position = round.next(readers.size()))
            owed.erase(readers.at(*position));
          else
            ASSERT_TRUE(owed.empty()) << "seed " << seed;
      }
    }
  }
}

TEST(WakeRound, EndsWhenAllHaveBeenWoken) {
  WakeRound round;
  EXPECT_FALSE(round.next(3));
  round.begin(3);
  for (const std::size_t position : {0, 1, 2}) EXPECT_EQ(round.next(3), position);
  EXPECT_FALSE(round.next(3));
  round.begin(0);
  EXPECT_FALSE(round.next(0));
}

}  // namespace
}  // namespace market::gateway
