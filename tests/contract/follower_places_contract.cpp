/// ports/follower_places.hpp: what every adapter must keep.
#include "adapters/sql/follower_places.hpp"

#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class FollowerPlacesContract : public MainDatabaseContract {
 protected:
  static FollowedTo place(std::int64_t number) {
    return {LogId{~0ULL, 2, 3}, ~0ULL - 1, number, number + 1, ~0ULL - 2, number};
  }
  sql::SqlFollowerPlaces places_{database_};
};

TEST_P(FollowerPlacesContract, KeepsEachByItsName) {
  EXPECT_FALSE(*run(places_.find("events")));
  ASSERT_TRUE(run(places_.keep("events", place(5))));
  ASSERT_TRUE(run(places_.keep("'; DROP TABLE followers", place(6))));
  EXPECT_EQ(**run(places_.find("events")), place(5));
  EXPECT_EQ(**run(places_.find("'; DROP TABLE followers")), place(6));
  EXPECT_FALSE(*run(places_.find("event")));
}

TEST_P(FollowerPlacesContract, GoesForwardAndBack) {
  for (const std::int64_t number : {5, 9, 3}) {
    ASSERT_TRUE(run(places_.keep("events", place(number))));
    const auto again = open();
    EXPECT_EQ(**run(sql::SqlFollowerPlaces(*again).find("events")), place(number)) << "as another sees it";
  }
}

MARKET_ON_EACH_DATABASE(FollowerPlacesContract);

}  // namespace
}  // namespace market::contract
