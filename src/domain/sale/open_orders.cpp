#include "domain/sale/open_orders.hpp"

namespace market {

OpenOrders::OpenOrders() : rows_(std::make_unique<Rows>()) {
  index_.reserve(part_count);
  for (std::size_t i = 0; i < part_count; ++i)
    index_.emplace_back(0, RowHash{rows_.get()}, SameOrder{rows_.get()});
}

OpenOrder* OpenOrders::find(OrderId id) {
  Part& part = part_of(id);
  const auto found = part.find(id);
  return found == part.end() ? nullptr : &(*rows_)[*found];
}

OpenLines OpenOrders::lines_of(const OpenOrder& order) const {
  OpenLines lines;
  if (order.first.quantity == 0) return lines;
  lines.push_back(order.first);
  for (std::uint32_t more = order.more; more != OpenOrder::no_more; more = extra_[more].more)
    lines.push_back(extra_[more].line);
  return lines;
}

AttemptId OpenOrders::attempt_of(OrderId id) const {
  const AttemptId* const known = attempts_.find(id);
  return known == nullptr ? AttemptId{} : *known;
}

void OpenOrders::set_attempt(OrderId id, AttemptId attempt) {
  if (attempt)
    attempts_[id] = attempt;
  else
    attempts_.erase(id);
}

void OpenOrders::free_lines(OpenOrder& order) {
  for (std::uint32_t more = order.more; more != OpenOrder::no_more;) {
    const std::uint32_t next = extra_[more].more;
    extra_.remove(more);
    more = next;
  }
  order.more = OpenOrder::no_more;
}

void OpenOrders::put(const OpenOrder& order, const OpenLines& lines, AttemptId attempt) {
  OpenOrder row = order;
  row.first = lines.empty() ? OpenLine{} : lines.front();
  row.more = OpenOrder::no_more;
  for (std::size_t i = lines.size(); i-- > 1;) row.more = extra_.add(ExtraLine{lines[i], row.more});
  if (OpenOrder* known = find(order.id)) {
    free_lines(*known);
    *known = row;
  } else {
    part_of(order.id).insert(rows_->add(row));
    ++size_;
  }
  set_attempt(order.id, attempt);
}

void OpenOrders::erase(OrderId id) {
  Part& part = part_of(id);
  const auto found = part.find(id);
  if (found == part.end()) return;
  const std::uint32_t row = *found;
  part.erase(found);
  free_lines((*rows_)[row]);
  rows_->remove(row);
  attempts_.erase(id);
  --size_;
}

}  // namespace market
