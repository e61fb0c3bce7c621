#include "domain/sale/segmented_map.hpp"

#include <gtest/gtest.h>

#include "base/id.hpp"

namespace market {
namespace {

using Map = SegmentedMap<OrderId, std::int64_t>;

std::size_t room(const Map& map) {
  std::size_t entries = 0;
  for (std::size_t part = 0; part < Map::parts(); ++part) entries += map.part(part).bucket_count();
  return entries;
}

TEST(SegmentedMap, GivesBackWhatManyEntriesTookOnceTheyHaveGone) {
  constexpr std::int64_t count = 500'000;
  Map map;
  for (std::int64_t i = 1; i <= count; ++i) map[OrderId{i}] = i;
  EXPECT_EQ(map.size(), static_cast<std::size_t>(count));
  for (std::int64_t i = 1; i < count; ++i) map.erase(OrderId{i});
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(*map.find(OrderId{count}), count) << "one that stays keeps its part";
  EXPECT_LT(room(map), 70'000u);
  map.erase(OrderId{count});
  map.erase(OrderId{count});
  EXPECT_EQ(map.size(), 0u);
  map[OrderId{7}] = 7;
  EXPECT_EQ(*map.find(OrderId{7}), 7) << "and takes entries again";
}

}  // namespace
}  // namespace market
