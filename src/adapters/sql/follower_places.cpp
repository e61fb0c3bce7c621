#include "adapters/sql/follower_places.hpp"

#include "adapters/sql/followed_to.hpp"
#include "adapters/sql/main_database.hpp"

namespace market::sql {

Task<std::optional<FollowedTo>> SqlFollowerPlaces::find(std::string follower) {
  return database_.read([follower = std::move(follower)](soci::session& sql) {
    return Result<std::optional<FollowedTo>>(find_place(sql, follower));
  });
}

Task<> SqlFollowerPlaces::keep(std::string follower, FollowedTo at) {
  return database_.write([follower = std::move(follower), at](soci::session& sql) -> Result<> {
    keep_place(sql, follower, at);
    return {};
  });
}

}  // namespace market::sql
