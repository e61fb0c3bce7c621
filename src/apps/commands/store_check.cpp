#include "apps/commands/store_check.hpp"

#include <fmt/format.h>

#include <set>

#include "domain/sale/sale_engine.hpp"
#include "sale/gate_recovery.hpp"

namespace market::apps {
namespace {

/// Folds the whole log, forgetting nothing, and watches every step.
class LogWatch {
 public:
  void see(Position at, const Event& event) {
    if (at != last_ + 1 && last_ != 0) note(gaps_, fmt::format("position {} follows {}", at, last_));
    last_ = at;
    const auto* accepted = std::get_if<OrderAccepted>(&event.fact);
    const OrderPtr order = apply(state_, event);
    if (sale::order_of(event) && !order)
      note(folding_, fmt::format("the event at {} changes nothing: oversold, or about an unknown order", at));
    if (!order) return;
    check_money(at, *order);
    check_tickets(at, event, *order);
    if (accepted && accepted->order.key) check_key(at, event.at, accepted->order);
  }

  std::vector<CheckResult> results() const {
    return {{"the log has no gap", gaps_},
            {"every event folds: nothing is oversold at any prefix",
             !folding_.empty() ? folding_
             : state_.oversell_prevented != 0
                 ? fmt::format("{} acceptances beyond capacity", state_.oversell_prevented)
                 : ""},
            {"capacity = remaining + live units, and no buyer is over a limit", first_violation(state_)},
            {"tickets of a product rise, and none is given twice", tickets_},
            {"a request key is bound to one order", keys_},
            {"order totals are the sums of their lines", money_}};
  }
  const SaleState& state() const { return state_; }
  Position last() const { return last_; }

 private:
  static void note(std::string& first, std::string what) {
    if (first.empty()) first = std::move(what);
  }

  void check_money(Position at, const Order& order) {
    std::int64_t sum = 0;
    for (const OrderLine& line : order.lines) sum += line.unit_price.amount * line.quantity;
    if (sum != order.total.amount) note(money_, fmt::format("order {} at position {}", order.id.text(), at));
  }

  void check_tickets(Position at, const Event& event, const Order& order) {
    const auto* paid = std::get_if<OrderPaid>(&event.fact);
    if (!std::holds_alternative<OrderAccepted>(event.fact) && !(paid && paid->retaken)) return;
    for (const OrderLine& line : order.lines) {
      if (line.ticket == 0) continue;
      auto& next = next_ticket_[line.product];
      if (line.ticket != next + 1)
        note(tickets_, fmt::format("ticket {} follows {} at position {}", line.ticket, next, at));
      next = line.ticket;
    }
  }

  void check_key(Position at, Instant when, const Order& order) {
    auto& bound = keys_seen_[order.key];
    if (bound != Instant{} && when - bound < sale::KeyFilter::life)
      note(keys_, fmt::format("order {} at position {} has the key of an earlier one", order.id.text(), at));
    bound = when;
  }

  SaleState state_;
  Position last_ = 0;
  boost::unordered_flat_map<ProductId, std::int64_t> next_ticket_;
  boost::unordered_flat_map<RequestKey, Instant> keys_seen_;
  std::string gaps_, folding_, tickets_, keys_, money_;
};

std::string compare_records(const SaleState& folded, OrderFold& records) {
  std::size_t wrong = 0;
  std::string first;
  for (const auto& [id, order] : folded.orders) {
    const auto recorded = records.load(id);
    if (!recorded) return recorded.error().detail;
    if (*recorded && **recorded == *order) continue;
    ++wrong;
    if (first.empty()) first = fmt::format("order {} is {}", id.text(), *recorded ? "different" : "missing");
  }
  return wrong == 0 ? "" : fmt::format("{} ({} such orders)", first, wrong);
}

std::string compare_snapshot(EventLog& log, OrderFold& records, SnapshotStore& snapshots, Position records_at,
                             Position end, const SaleState& folded) {
  sale::KeyFilter keys;
  const auto recovered = sale::recover({log, snapshots, records, records_at, end}, keys);
  if (!recovered) return recovered.error().detail;
  if (recovered->state.products != folded.products)
    return "stock, terms or buyers differ from the whole log's fold";
  for (const auto& [id, order] : folded.orders) {
    if (order->key && !keys.may_contain(order->key))
      return fmt::format("the key of order {} is forgotten", id.text());
    if (!order->has_open_work()) continue;
    const auto known = recovered->state.orders.find(id);
    if (known == recovered->state.orders.end() || *known->second != *order)
      return fmt::format("open order {} is missing or different", id.text());
  }
  return {};
}

}  // namespace

std::vector<CheckResult> check_store(EventLog& log, OrderFold& records, SnapshotStore& snapshots) {
  const auto begin = log.begin();
  if (!begin) return {{"the log can be read", begin.error().detail}};
  if (*begin != 0)
    return {{"the log is whole",
             fmt::format("it was trimmed up to {}: only a whole log can be checked", *begin)}};
  const auto end = log.end();
  const auto records_at = records.position();
  if (!end || !records_at)
    return {{"the store can be read", !end ? end.error().detail : records_at.error().detail}};

  std::vector<CheckResult> results;
  LogWatch watch;
  std::string behind;
  const auto read = log.read(0, [&](Position at, const Event& event) {
    watch.see(at, event);
    if (at == *records_at) behind = compare_records(watch.state(), records);
    return true;
  });
  results.push_back({"the log can be read to its end", read ? "" : read.error().detail});
  for (auto& result : watch.results()) results.push_back(std::move(result));
  results.push_back({"the records are not ahead of the log",
                     *records_at <= watch.last() ? "" : fmt::format("{} > {}", *records_at, watch.last())});
  results.push_back({"the records are the fold of the log up to their position", behind});
  results.push_back({"snapshot and tail give the same state as the whole log",
                     compare_snapshot(log, records, snapshots, *records_at, *end, watch.state())});
  SaleState again;
  const auto reread = log.read(0, [&](Position, const Event& event) {
    apply(again, event);
    return true;
  });
  const bool same = reread && state_hash(again) == state_hash(watch.state());
  results.push_back({"the log folds to the same state each time", same ? "" : "two folds differ"});
  return results;
}

}  // namespace market::apps
