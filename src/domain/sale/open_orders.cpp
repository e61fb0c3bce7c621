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
  if (order.further_lines == 0) return lines;
  const OpenLine* further = further_[order.further];
  lines.insert(lines.end(), further, further + order.further_lines);
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

void OpenOrders::free_lines(const OpenOrder& order) {
  if (order.further_lines != 0) further_.remove(order.further, order.further_lines);
}

void OpenOrders::put(const OpenOrder& order, const OpenLines& lines, AttemptId attempt) {
  OpenOrder row = order;
  row.first = lines.empty() ? OpenLine{} : lines.front();
  row.further_lines = static_cast<std::uint16_t>(lines.empty() ? 0 : lines.size() - 1);
  if (row.further_lines != 0) row.further = further_.add(lines.data() + 1, row.further_lines);
  if (OpenOrder* known = find(order.id)) {
    free_lines(*known);
    *known = row;
    set_attempt(order.id, attempt);
    return;
  }
  part_of(order.id).insert(rows_->add(row));
  ++size_;
  if (attempt) attempts_[order.id] = attempt;
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
