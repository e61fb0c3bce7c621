#include "apps/commands/demo.hpp"

#include <fmt/format.h>

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

constexpr const char* demo_password = "drops at noon, 317 lamps";
constexpr const char* demo_buyer = "buyer@demo.market.example";
constexpr const char* demo_seller = "seller@demo.market.example";
constexpr const char* demo_admin = "admin@demo.market.example";

void add_demo_accounts(user::SignUp& sign_up) {
  const auto add = [&sign_up](const char* email, const char* name, Role role) {
    user::NewAccount account;
    account.email = email;
    account.password = demo_password;
    account.name = name;
    account.role = role;
    const auto made = run_task(sign_up.run(std::move(account), {}));
    if (!made && made.error().code != Code::email_taken) throw std::runtime_error(made.error().detail);
  };
  add(demo_buyer, "Hana Kim", Role::customer);
  add(demo_seller, "Market Studio", Role::seller);
  const auto admin = run_task(sign_up.create_admin(demo_admin, demo_password));
  if (!admin) throw std::runtime_error(admin.error().detail);
}

}  // namespace

std::string demo_invitation(const std::string& host, int port) {
  const auto url = fmt::format("http://{}:{}", host, port);
  return fmt::format(
      "  shop     {0}/\n  console  {0}/admin\n  API      {0}/docs\n"
      "  sign in as {1}, {2} or {3}, password: {4}\n"
      "  a crowd of simulated buyers: tools/crowd.mjs {0}",
      url, demo_buyer, demo_seller, demo_admin, demo_password);
}

void fill_with_demo(const ProductBoard& board, SaleGate& gate, user::SignUp& sign_up, const Clock& clock) {
  add_demo_accounts(sign_up);
  if (!board.all()->empty()) return;
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
}

}  // namespace market::apps
