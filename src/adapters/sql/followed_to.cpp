#include "adapters/sql/followed_to.hpp"

#include "adapters/sql/main_database.hpp"

namespace market::sql {

std::optional<FollowedTo> find_place(soci::session& sql, const std::string& follower) {
  FollowedRow row;
  sql << "SELECT log_hi, log_lo, generation, term, last, next, checksum, done FROM followers WHERE name = "
         ":name",
      soci::use(follower), soci::into(row.log_hi), soci::into(row.log_lo), soci::into(row.generation),
      soci::into(row.term), soci::into(row.last), soci::into(row.next), soci::into(row.checksum),
      soci::into(row.done);
  if (!sql.got_data()) return std::nullopt;
  return row.value();
}

void keep_place(soci::session& sql, const std::string& follower, const FollowedTo& at) {
  const FollowedRow row(at);
  sql << "REPLACE INTO followers(name, log_hi, log_lo, generation, term, last, next, checksum, done) "
         "VALUES(:name, :hi, :lo, :generation, :term, :last, :next, :checksum, :done)",
      soci::use(follower), soci::use(row.log_hi), soci::use(row.log_lo), soci::use(row.generation),
      soci::use(row.term), soci::use(row.last), soci::use(row.next), soci::use(row.checksum),
      soci::use(row.done);
}

}  // namespace market::sql
