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

bool fill_with_demo(const ProductBoard& board, SaleGate& gate, const Clock& clock) {
  if (!board.all()->empty()) return false;
  for (const DemoProduct& demo : demo_products) {
    ListProduct listed;
    listed.texts.name = demo.name;
    listed.texts.description = demo.description;
    listed.texts.category = demo.category;
    listed.terms.price.amount = demo.price;
    listed.stock = demo.stock;
    if (demo.opens_in) {
      listed.terms.kind = ProductKind::event;
      listed.terms.sale = Sale{clock.now() + *demo.opens_in, std::nullopt, demo.per_user_limit};
    }
    const auto done = run_task(gate.submit(Command(std::move(listed))));
    if (!done) throw std::runtime_error(done.error().detail);
  }
  return true;
}

void create_demo_accounts(user::SignUp& sign_up) {
  struct DemoAccount {
    std::string_view email, password, name;
    Role role;
  };
  const DemoAccount accounts[] = {
      {"buyer@demo.example", "quiet-lantern-42", "Demo Buyer", Role::customer},
      {"seller@demo.example", "amber-workshop-42", "Demo Seller", Role::seller},
      {demo_admin_email, demo_admin_password, "Demo Administrator", Role::admin},
  };
  for (const DemoAccount& demo : accounts) {
    const auto made = run_task(sign_up.create_verified(std::string(demo.email), std::string(demo.password),
                                                       std::string(demo.name), demo.role));
    if (!made) throw std::runtime_error(made.error().detail);
  }
}

}  // namespace market::apps
