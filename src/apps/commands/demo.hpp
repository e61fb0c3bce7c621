#pragma once
/// What `serve --demo` puts into an empty store: a few products to look at and to buy.

#include <string_view>

#include "ports/pictures.hpp"
#include "ports/sale_gate.hpp"
#include "services/user/sign_up.hpp"

namespace market::apps {

/// The operator of demo data; the README names all accounts.
inline constexpr std::string_view demo_admin_email = "admin@demo.example";
inline constexpr std::string_view demo_admin_password = "granite-keystone-42";

/// `seller`: whose they are; none: the house's. Throws std::runtime_error.
void list_demo_products(SaleGate& gate, Pictures& pictures, const Clock& clock, UserId seller);
/// The picture of the drop that `market demo` announces, a JPEG.
std::string_view picture_of_the_crowds_drop();

/// A buyer, a seller and an administrator to sign in as. Their passwords stand in the README, so they are
/// made only where nobody from outside can reach them. The seller's id. Throws std::runtime_error.
UserId create_demo_accounts(user::SignUp& sign_up);

}  // namespace market::apps
