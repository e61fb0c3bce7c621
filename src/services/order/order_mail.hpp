#pragma once
/// What a buyer is told of an order by mail, in Korean and English.

#include <functional>
#include <optional>
#include <string>

#include "domain/sale/event_kind.hpp"

namespace market::order {

struct OrderMail {
  std::string kind;  ///< `order.paid`.
  std::string subject, text;
};

/// The name that a product had when it was bought.
using NameOf = std::function<std::string(ProductId, std::int64_t version)>;

/// None: the buyer is told nothing about this event.
std::optional<OrderMail> mail_about(const Event& event, const Order& order, const std::string& buyer,
                                    const NameOf& name_of);

}  // namespace market::order
