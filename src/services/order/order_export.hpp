#pragma once
/// Orders as rows for spreadsheets (RFC 4180): one for each line of an order.

#include <string>

#include "domain/sale/order.hpp"
#include "ports/product_board.hpp"

namespace market::order {

std::string csv_head();
void append_csv(std::string& out, const Order& order, const ProductBoard& board);
/// Quoted; a text that a spreadsheet would calculate (`=`, `+`, `-`, `@`) stays a text.
void append_csv_text(std::string& out, std::string_view text);

}  // namespace market::order
