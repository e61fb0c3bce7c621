#pragma once
/// How far a follower of the log has come, as a row of `followers` and in columns of others.

#include <optional>
#include <string>

#include "ports/log_effect.hpp"

namespace soci {
class session;
}

namespace market::sql {

/// Within what reads or writes. They throw, as SOCI does.
std::optional<FollowedTo> find_place(soci::session& sql, const std::string& follower);
void keep_place(soci::session& sql, const std::string& follower, const FollowedTo& at);

/// What SOCI binds.
struct FollowedRow {
  FollowedRow() = default;
  explicit FollowedRow(const FollowedTo& at)
      : log_hi(static_cast<long long>(at.log.hi)),
        log_lo(static_cast<long long>(at.log.lo)),
        generation(at.log.generation),
        term(static_cast<long long>(at.term)),
        last(at.last),
        next(at.next),
        checksum(static_cast<long long>(at.checksum)),
        done(at.done) {}
  FollowedTo value() const {
    FollowedTo at;
    at.log = {static_cast<std::uint64_t>(log_hi), static_cast<std::uint64_t>(log_lo),
              static_cast<std::uint32_t>(generation)};
    at.term = static_cast<std::uint64_t>(term);
    at.last = last;
    at.next = next;
    at.checksum = static_cast<std::uint64_t>(checksum);
    at.done = done;
    return at;
  }
  long long log_hi = 0, log_lo = 0, generation = 0, term = 0, last = 0, next = 1, checksum = 0, done = 0;
};

}  // namespace market::sql
