#include "wire/json/order_body.hpp"

#include <fmt/format.h>

#include "wire/json/json.hpp"

namespace market::wire {
namespace {

/// Goes over the text; any surprise makes it fail for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool take(std::string_view expected) {
    skip_space();
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }
  bool id(std::int64_t& value) {
    if (!take("\"") || text_.size() <= id_length || text_[id_length] != '"') return false;
    const auto parsed = parse_id(text_.substr(0, id_length));
    if (!parsed) return false;
    value = *parsed;
    text_.remove_prefix(id_length + 1);
    return true;
  }
  bool quantity(std::int32_t& value) {
    skip_space();
    std::size_t digits = 0;
    value = 0;
    while (digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9' && digits < 5)
      value = value * 10 + (text_[digits++] - '0');
    if (digits == 0 || text_[0] == '0' || value > OrderLine::quantity_max) return false;
    text_.remove_prefix(digits);
    return true;
  }
  bool at_end() {
    skip_space();
    return text_.empty();
  }

 private:
  void skip_space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n' || text_[0] == '\r' || text_[0] == '\t'))
      text_.remove_prefix(1);
  }
  std::string_view text_;
};

}  // namespace

bool read_usual_order_body(std::string_view body, WantedLines& lines) {
  Scanner in(body);
  if (!in.take("{") || !in.take("\"items\"") || !in.take(":") || !in.take("[")) return false;
  do {
    WantedLine line;
    if (!in.take("{") || !in.take("\"productId\"") || !in.take(":") || !in.id(line.product.value))
      return false;
    if (!in.take(",") || !in.take("\"quantity\"") || !in.take(":") || !in.quantity(line.quantity))
      return false;
    if (!in.take("}") || lines.size() == order_lines_max) return false;
    lines.push_back(line);
  } while (in.take(","));
  return in.take("]") && in.take("}") && in.at_end();
}

Result<WantedLines> read_order_body(std::string_view body) {
  WantedLines lines;
  if (read_usual_order_body(body, lines)) return lines;
  lines.clear();
  const auto json = parse_json(body);
  if (!json) return fail(json.error());
  ObjectReader reader(*json);
  if (const auto* items = reader.array("items", 1, order_lines_max)) {
    for (std::size_t i = 0; i < items->size(); ++i) {
      ObjectReader item((*items)[i], fmt::format("items[{}]", i), reader);
      const std::string id = item.text("productId", 1, 64);
      WantedLine line;
      line.quantity = static_cast<std::int32_t>(item.integer("quantity", 1, OrderLine::quantity_max));
      item.finish_part();
      if (const auto parsed = ProductId::parse(id)) line.product = *parsed;
      lines.push_back(line);
    }
  }
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return lines;
}

}  // namespace market::wire
