#pragma once
/// What `serve --demo` puts into an empty store: a few products to look at and to buy.

#include "ports/product_texts.hpp"
#include "ports/sale_gate.hpp"
#include "services/product/catalogue.hpp"

namespace market::apps {

/// Nothing when there are products already. Throws std::runtime_error.
void fill_with_demo(product::Catalogue& catalogue, ProductTexts& texts, SaleGate& gate, IdSource& ids,
                    const Clock& clock);

}  // namespace market::apps
