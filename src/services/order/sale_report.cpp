#include "services/order/sale_report.hpp"

#include <map>

#include "wire/json/json_writer.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

void write_states(wire::JsonWriter& json, const OrderCounts& counts) {
  json.key("states").begin_object();
  for (std::size_t i = 0; i < counts.by_state.size(); ++i) {
    json.key(text_of(static_cast<OrderState>(i))).begin_object();
    json.member("orders", counts.by_state[i].orders).member("units", counts.by_state[i].units).end_object();
  }
  json.end_object();
}

void write_time(wire::JsonWriter& json, std::string_view name, std::optional<Instant> at) {
  json.key(name);
  if (at)
    json.value(format_rfc3339(*at));
  else
    json.null();
}

void write_timeline(wire::JsonWriter& json, const Timeline& timeline) {
  json.key("timeline").begin_object();
  json.member("stepSeconds", timeline.width().count() / 1'000).key("items").begin_array();
  for (const auto& [at, step] : timeline.steps()) {
    json.begin_object().member("at", format_rfc3339(at));
    json.member("orders", step.orders).member("units", step.units);
    json.member("paid", step.paid).member("givenBack", step.given_back).end_object();
  }
  json.end_array().end_object();
}

/// What is of another currency stands in the export alone: the report has one sum.
Money sum_of(const OrderCounts::Amounts& amounts, Currency currency) {
  const auto found = amounts.find(currency);
  return Money{found == amounts.end() ? 0 : found->second, currency};
}

/// Steps of one width, at most as many as the chart of orders has.
void write_refusals(wire::JsonWriter& json, const std::vector<RefusedOrders>& refused) {
  Millis width{1'000};
  if (!refused.empty())
    while ((refused.back().at - refused.front().at) / width >= Timeline::steps_max - 1) width *= 2;
  std::map<Instant, std::map<std::string, std::int64_t>> steps;
  std::map<std::string, std::int64_t> sums;
  for (const RefusedOrders& each : refused) {
    const auto since = each.at.time_since_epoch();
    steps[Instant(since - since % width)][each.reason] += each.count;
    sums[each.reason] += each.count;
  }
  const auto write_reasons = [&json](const std::map<std::string, std::int64_t>& counts) {
    json.key("reasons").begin_object();
    for (const auto& [reason, count] : counts) json.member(reason, count);
    json.end_object();
  };
  json.key("refusals").begin_object().member("stepSeconds", width.count() / 1'000);
  write_reasons(sums);
  json.key("items").begin_array();
  for (const auto& [at, counts] : steps) {
    json.begin_object().member("at", format_rfc3339(at));
    write_reasons(counts);
    json.end_object();
  }
  json.end_array().end_object();
}

}  // namespace

std::string sale_report_page(const SaleReport& report) {
  const OrderCounts& counts = report.orders.counts;
  OrderCounts::Count held;
  Money kept{0, report.currency};
  for (std::size_t i = 0; i < counts.by_state.size(); ++i) {
    const auto state = static_cast<OrderState>(i);
    if (!holds_units(state)) continue;
    held.orders += counts.by_state[i].orders;
    held.units += counts.by_state[i].units;
    if (state != OrderState::accepted)
      kept.amount += sum_of(counts.by_state[i].amounts, report.currency).amount;
  }
  std::string body, revenue, refunded;
  wire::append_money(revenue, kept);
  wire::append_money(refunded, sum_of(counts.refunded, report.currency));
  wire::JsonWriter json(body);
  json.begin_object().member("productId", report.product.text());
  json.member("asOf", format_rfc3339(report.orders.as_of));
  json.member("capacity", report.capacity).member("remaining", report.remaining);
  write_states(json, counts);
  json.member("liveOrders", held.orders).member("liveUnits", held.units).key("revenue").raw(revenue);
  json.key("refunded").raw(refunded);
  write_time(json, "firstOrderAt", counts.first);
  write_time(json, "lastOrderAt", counts.last);
  write_timeline(json, counts.timeline);
  write_refusals(json, report.refused);
  json.end_object();
  return body;
}

}  // namespace market::order
