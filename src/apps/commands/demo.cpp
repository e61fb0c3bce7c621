#include "apps/commands/demo.hpp"

#include <stdexcept>

#include "apps/roles/run_task.hpp"

namespace market::embedded {
std::string_view picture_aurora();
std::string_view picture_midnight();
std::string_view picture_strings();
std::string_view picture_coffee();
std::string_view picture_bag();
}  // namespace market::embedded

namespace market::apps {
namespace {

struct DemoProduct {
  const char* name;
  const char* description;
  const char* category;
  std::string_view (*picture)();
  std::int64_t price;
  std::int64_t stock;
  std::optional<Millis> opens_in;  ///< None: a regular product.
  std::optional<std::int32_t> per_user_limit;
};

const DemoProduct demo_products[] = {
    {"Aurora Runner sneakers",
     "A thousand pairs, made once. The sole is cut from one piece, the heel glows for an hour after "
     "sunset.\n\n"
     "First come, first served: whoever presses first has the lowest number, and the number is printed "
     "inside.",
     "sneakers", embedded::picture_aurora, 189'000, 1'000, Millis(0), 2},
    {"Night of Strings, standing",
     "Eleven players, no amplifier, one evening. Standing room in front of the stage, two places a buyer.",
     "concert", embedded::picture_strings, 77'000, 500, Millis(60'000), 2},
    {"Coffee coupon", "A hundred cups at the corner bar, one each, for next to nothing.", "coupon",
     embedded::picture_coffee, 100, 100, Millis(0), 1},
    {"Canvas bag", "Heavy canvas, long handles, room for two pairs of shoes. Always here.", "goods",
     embedded::picture_bag, 15'000, 10'000, std::nullopt, std::nullopt},
};

}  // namespace

void list_demo_products(SaleGate& gate, Pictures& pictures, const Clock& clock, UserId seller) {
  for (const DemoProduct& demo : demo_products) {
    ListProduct listed;
    listed.texts.name = demo.name;
    listed.texts.description = demo.description;
    listed.texts.category = demo.category;
    const auto picture = run_task(pictures.store(std::make_shared<const std::string>(demo.picture())));
    if (!picture) throw std::runtime_error(picture.error().detail);
    listed.texts.picture = *picture;
    listed.terms.seller = seller;
    listed.terms.price.amount = demo.price;
    listed.stock = demo.stock;
    if (demo.opens_in) {
      listed.terms.kind = ProductKind::event;
      listed.terms.sale = Sale{clock.now() + *demo.opens_in, std::nullopt, demo.per_user_limit};
    }
    const auto done = run_task(gate.submit(Command(std::move(listed))));
    if (!done) throw std::runtime_error(done.error().detail);
  }
}

std::string_view picture_of_the_crowds_drop() {
  return embedded::picture_midnight();
}

UserId create_demo_accounts(user::SignUp& sign_up) {
  struct DemoAccount {
    std::string_view email, password, name;
    Role role;
  };
  const DemoAccount accounts[] = {
      {"buyer@demo.example", "quiet-lantern-42", "Demo Buyer", Role::customer},
      {"seller@demo.example", "amber-workshop-42", "Demo Seller", Role::seller},
      {demo_admin_email, demo_admin_password, "Demo Administrator", Role::admin},
  };
  UserId seller;
  for (const DemoAccount& demo : accounts) {
    const auto made = run_task(sign_up.create_verified(std::string(demo.email), std::string(demo.password),
                                                       std::string(demo.name), demo.role));
    if (!made) throw std::runtime_error(made.error().detail);
    if (demo.role == Role::seller) seller = *made;
  }
  return seller;
}

}  // namespace market::apps
