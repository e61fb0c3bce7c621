#pragma once
/// ports/follower_places.hpp among the ordinary rows.

#include "ports/follower_places.hpp"

namespace market::sql {

class MainDatabase;

class SqlFollowerPlaces final : public FollowerPlaces {
 public:
  explicit SqlFollowerPlaces(MainDatabase& database) : database_(database) {}
  Task<std::optional<FollowedTo>> find(std::string follower) override;
  Task<> keep(std::string follower, FollowedTo at) override;

 private:
  MainDatabase& database_;
};

}  // namespace market::sql
