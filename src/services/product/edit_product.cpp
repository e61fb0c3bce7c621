#include "services/product/edit_product.hpp"

namespace market::product {
namespace {

/// The command that the edit makes of a product; none when nothing changes.
Result<std::optional<Command>> edited(const ProductBoard& board, ProductId id, const Edit& edit) {
  const ShownProduct* now = board.find(id);
  if (now == nullptr || now->terms.withdrawn)
    return fail(Code::product_not_found, "there is no such product");
  ChangeProduct change{id, now->version, now->terms, now->texts};
  if (auto ok = edit(*now, change.terms, change.texts); !ok) return fail(std::move(ok.error()));
  if (change.terms == now->terms && change.texts == now->texts) return std::optional<Command>();
  return std::optional<Command>(std::move(change));
}

}  // namespace

Task<> EditProduct::run(ProductId product, Edit edit, bool once) const {
  for (int tries = 0; tries < tries_max; ++tries) {
    auto change = edited(board_, product, edit);
    const bool asks_nobody = !change || !*change;
    if (asks_nobody && catch_up_) {  // Another instance may have changed it just now.
      const auto caught_up = co_await catch_up_();
      if (!caught_up) co_return fail(caught_up.error());
      change = edited(board_, product, edit);
    }
    if (!change) co_return fail(std::move(change.error()));
    if (!*change) co_return Result<>();
    auto changed = co_await gate_.submit(std::move(**change));
    if (changed) co_return Result<>();
    if (once || changed.error().code != Code::precondition_failed) co_return fail(std::move(changed.error()));
  }
  co_return fail(Code::overloaded, "others change this product all the time");
}

}  // namespace market::product
