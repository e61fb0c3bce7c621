#include "domain/sale/command.hpp"

#include <type_traits>

namespace market {

OrderId order_of(const Command& command) {
  return std::visit(
      [](const auto& asked) {
        if constexpr (std::is_same_v<std::decay_t<decltype(asked)>, PlaceOrder>)
          return OrderId{};
        else if constexpr (requires { asked.order; })
          return asked.order;
        else
          return OrderId{};
      },
      command);
}

}  // namespace market
