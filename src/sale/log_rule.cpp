#include "sale/log_rule.hpp"

#include <limits>

namespace market::sale {

bool LogRule::judge(const wire::Open& open) {
  if (open.after != at_.term || open.nonce == 0 || open.nonce == at_.term || !open.log) return false;
  if (at_.log && (!open.log.is_same_log(at_.log) || open.log.generation < at_.log.generation)) return false;
  at_.log = open.log;
  at_.term = open.nonce;
  return true;
}

bool LogRule::judge(const wire::GroupHead& group) {
  if (group.term != at_.term || group.term == 0 || group.count == 0 || group.first != at_.last + 1)
    return false;
  if (group.first > std::numeric_limits<Place>::max() - group.count) return false;
  at_.last += group.count;
  return true;
}

}  // namespace market::sale
