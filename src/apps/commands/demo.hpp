#pragma once
/// What `serve --demo` puts into an empty store: a few products to look at and to buy, and accounts.

#include "ports/product_board.hpp"
#include "ports/sale_gate.hpp"
#include "services/user/sign_up.hpp"

namespace market::apps {

/// A buyer, a seller and an administrator; products, when there are none. Throws std::runtime_error.
void fill_with_demo(const ProductBoard& board, SaleGate& gate, user::SignUp& sign_up, const Clock& clock);

/// Where to look and whom to sign in as: lines for people, printed after the server's address.
std::string demo_invitation(const std::string& host, int port);

}  // namespace market::apps
