#pragma once
/// Changing a product: what it says now is edited and the sequencer decides whether it still said so.

#include <functional>

#include "ports/product_board.hpp"
#include "ports/sale_gate.hpp"

namespace market::product {

/// Edits terms and texts, which begin as those of `now`. Refuses what the caller may not do to it.
using Edit = std::function<Result<>(const ShownProduct& now, ProductTerms& terms, ProductTexts& texts)>;

class EditProduct {
 public:
  static constexpr int tries_max = 8;

  EditProduct(const ProductBoard& board, SaleGate& gate, CatchUp catch_up = {})
      : board_(board), gate_(gate), catch_up_(std::move(catch_up)) {}
  /// `once`: the caller has named the version, so another one is precondition_failed. Otherwise the edit is
  /// made again on what somebody else has made of the product meanwhile. An edit that changes nothing is no
  /// command, as one that is refused: of both the board alone decides, once it has caught up. Afterwards the
  /// board shows the product as it is. Errors: product_not_found (also withdrawn), the edit's, the gate's,
  /// the catching up's, overloaded (it was changed by others each time).
  Task<> run(ProductId product, Edit edit, bool once) const;

 private:
  const ProductBoard& board_;
  SaleGate& gate_;
  const CatchUp catch_up_;
};

}  // namespace market::product
