#pragma once
/// The order that most tests of a gate send.

#include "domain/sale/command.hpp"

namespace market::tests {

/// Of one unit; `key` 0: without a key.
inline Command order_of_one(ProductId product, std::int64_t user, std::uint64_t key,
                            Millis payment_window = Millis(600'000)) {
  PlaceOrder place;
  place.user = UserId{user};
  place.payment_window = payment_window;
  place.lines.push_back(WantedLine{product, 1});
  Command command = place;
  if (key != 0) command.key = RequestKey{static_cast<std::uint64_t>(user), key};
  command.fingerprint = 1;
  return command;
}

}  // namespace market::tests
