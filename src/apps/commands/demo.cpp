#include "apps/commands/demo.hpp"

#include <stdexcept>

#include "apps/roles/run_task.hpp"

namespace market::apps {
namespace {

struct DemoProduct {
  const char* name;
  const char* description;
  const char* category;
  std::int64_t price;
  std::int64_t stock;
  std::optional<Millis> opens_in;  ///< None: a regular product.
  std::optional<std::int32_t> per_user_limit;
};

const DemoProduct demo_products[] = {
    {"Aurora Runner sneakers", "A drop of 1,000 pairs, first come, first served.", "sneakers", 189'000, 1'000,
     Millis(0), 2},
    {"Night of Strings, standing", "Opens a minute after the first start. Two seats a buyer.", "concert",
     77'000, 500, Millis(60'000), 2},
    {"Coffee coupon", "A hundred coupons, one each.", "coupon", 100, 100, Millis(0), 1},
    {"Canvas bag", "Always here.", "goods", 15'000, 10'000, std::nullopt, std::nullopt},
};

}  // namespace

void fill_with_demo(product::Catalogue& catalogue, ProductTexts& texts, SaleGate& gate, IdSource& ids,
                    const Clock& clock) {
  if (!catalogue.all()->empty()) return;
  for (const DemoProduct& demo : demo_products) {
    const Instant now = clock.now();
    ProductText text;
    text.id = ids.next_as<ProductId>();
    text.name = demo.name;
    text.description = demo.description;
    text.category = demo.category;
    text.created_at = text.updated_at = now;
    ProductTerms terms;
    terms.price.amount = demo.price;
    if (demo.opens_in) {
      terms.kind = ProductKind::event;
      terms.sale = Sale{now + *demo.opens_in, std::nullopt, demo.per_user_limit};
    }
    const auto stored = run_task(texts.store(text));
    if (!stored) throw std::runtime_error(stored.error().detail);
    const auto listed = run_task(gate.submit(ListProduct{text.id, terms, demo.stock}));
    if (!listed) throw std::runtime_error(listed.error().detail);
    const auto shown = catalogue.put(text);
    if (!shown) throw std::runtime_error(shown.error().detail);
  }
}

}  // namespace market::apps
