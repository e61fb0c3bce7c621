#pragma once
/// Products as people read them: rendered pages beside the board's terms and texts, with the live numbers
/// laid over them.

#include "ports/product_board.hpp"
#include "services/product/search_text.hpp"
#include "wire/json/product_view.hpp"

namespace market::product {

using wire::api_base;

struct RenderedPage final : ProductPage {
  RenderedPage(wire::ProductView rendered, SearchText text)
      : view(std::move(rendered)), search(std::move(text)) {}
  wire::ProductView view;
  SearchText search;
};

/// What the board keeps beside each version of a product; given to it at start (apps).
std::shared_ptr<const ProductPage> render(const ShownProduct& product);

/// The page that render() made.
inline const RenderedPage& page_of(const ShownProduct& product) {
  return static_cast<const RenderedPage&>(*product.page);
}

class Catalogue {
 public:
  Catalogue(const ProductBoard& board, const Clock& clock) : board_(board), clock_(clock) {}

  SaleStateName state_of(const ShownProduct& product) const;
  /// The page in `state`, with the numbers of now.
  void append_page(std::string& out, const ShownProduct& product, SaleStateName state) const;
  /// The same in the state of now, as a value of a JsonWriter.
  auto json_of(const ShownProduct& product) const {
    return [this, &product](std::string& out) { append_page(out, product, state_of(product)); };
  }
  /// {remaining, capacity, saleState, asOf}, all of now.
  void append_stock(std::string& out, const ShownProduct& product) const;

  const ProductBoard& board() const { return board_; }
  Instant now() const { return clock_.now(); }

 private:
  const ProductBoard& board_;
  const Clock& clock_;
};

}  // namespace market::product
