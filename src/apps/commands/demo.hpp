#pragma once
/// What `serve --demo` puts into an empty store: a few products to look at and to buy.

#include "ports/product_board.hpp"
#include "ports/sale_gate.hpp"

namespace market::apps {

/// Nothing when there are products already. Throws std::runtime_error.
void fill_with_demo(const ProductBoard& board, SaleGate& gate, const Clock& clock);

}  // namespace market::apps
