#include "adapters/sql/order_row.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "adapters/sql/instants.hpp"

namespace market::sql {
namespace {

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

Currency currency_of(std::string_view text) {
  if (text.size() != 3) throw std::runtime_error("currency");
  Currency currency;
  std::copy(text.begin(), text.end(), currency.letters.begin());
  return currency;
}

OrderState state_of(std::string_view text) {
  const auto state = parse_order_state(text);
  if (!state) throw std::runtime_error("state");
  return *state;
}

void read_lines(std::string_view text, Order& order) {
  const auto json = boost::json::parse(boost::json::string_view(text.data(), text.size()));
  for (const auto& item : json.as_array()) {
    const auto& fields = item.as_array();
    OrderLine line;
    line.product = ProductId{fields.at(0).as_int64()};
    line.version = fields.at(1).as_int64();
    line.quantity = boost::json::value_to<std::int32_t>(fields.at(2));
    line.unit_price = Money{fields.at(3).as_int64(), order.total.currency};
    line.ticket = fields.at(4).as_int64();
    if (fields.size() > 5) {
      const auto& letters = fields[5].as_string();
      line.unit_price.currency = currency_of({letters.data(), letters.size()});
    }
    order.lines.push_back(line);
  }
}

void read_history(std::string_view text, Order& order) {
  const auto json = boost::json::parse(boost::json::string_view(text.data(), text.size()));
  for (const auto& item : json.as_array()) {
    const auto& fields = item.as_array();
    const auto& name = fields.at(0).as_string();
    const StateChange change{state_of({name.data(), name.size()}), instant_of(fields.at(1).as_int64())};
    order.history.push_back(change);
  }
}

void write_lines(const Order& order, std::string& out) {
  out.assign(1, '[');
  for (const auto& line : order.lines) {
    if (out.size() > 1) out += ',';
    out += '[';
    append_number(out, line.product.value);
    out += ',';
    append_number(out, line.version);
    out += ',';
    append_number(out, line.quantity);
    out += ',';
    append_number(out, line.unit_price.amount);
    out += ',';
    append_number(out, line.ticket);
    if (line.unit_price.currency != order.total.currency) {
      out += ",\"";
      out += line.unit_price.currency.text();
      out += '"';
    }
    out += ']';
  }
  out += ']';
}

void write_history(const Order& order, std::string& out) {
  out.assign(1, '[');
  for (const auto& change : order.history) {
    if (out.size() > 1) out += ',';
    out += "[\"";
    out += text_of(change.state);
    out += "\",";
    append_number(out, change.at.time_since_epoch().count());
    out += ']';
  }
  out += ']';
}

}  // namespace

void write_row(const Order& order, OrderRow& row) {
  row.id = order.id.value;
  row.user_id = order.user.value;
  row.state = text_of(order.state);
  row.payment = text_of(order.payment);
  row.attempt_id = order.attempt.value;
  row.total = order.total.amount;
  row.currency = order.total.currency.text();
  row.pay_by = millis_of(order.pay_by);
  row.created_at = millis_of(order.created_at);
  row.updated_at = millis_of(order.updated_at);
  write_lines(order, row.lines);
  write_history(order, row.history);
  row.place = order.place;
}

Result<OrderPtr> order_of(const OrderRow& row) try {
  auto order = std::make_shared<Order>();
  order->id = OrderId{row.id};
  order->user = UserId{row.user_id};
  order->state = state_of(row.state);
  const auto payment = parse_payment_state(row.payment);
  if (!payment) throw std::runtime_error("payment");
  order->payment = *payment;
  order->attempt = AttemptId{row.attempt_id};
  order->total = Money{row.total, currency_of(row.currency)};
  order->pay_by = instant_of(row.pay_by);
  order->created_at = instant_of(row.created_at);
  order->updated_at = instant_of(row.updated_at);
  read_lines(row.lines, *order);
  read_history(row.history, *order);
  order->place = row.place;
  return OrderPtr(std::move(order));
} catch (const std::exception& error) {
  return fail(Code::internal, fmt::format("the record of order {} is damaged: {}", row.id, error.what()));
}

}  // namespace market::sql
